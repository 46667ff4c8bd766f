using Mayfly.Client.Secrets;
using Microsoft.Extensions.Configuration;

namespace Mayfly.Client.Configuration;

/// <summary>
/// The fields of live secrets as keys, reloaded whenever one changes. A value that has become too old to be handed out is not in
/// the configuration either. Safe for concurrent use.
/// </summary>
internal sealed class MayflyConfigurationProvider : ConfigurationProvider, IDisposable
{
    private readonly MayflyConfigurationOptions _options;
    private readonly IReadOnlyList<IDisposable> _owned;
    private readonly Lock _lock = new();
    private readonly List<(ConfiguredSecret Configured, LiveSecret Live)> _live;
    private Dictionary<string, LiveSecret> _owners = [];
    private bool _isDisposed;

    public MayflyConfigurationProvider(
        LiveSecrets secrets,
        MayflyConfigurationOptions options,
        IReadOnlyList<IDisposable> owned
    )
    {
        _options = options;
        _owned = owned;
        _live = [.. options.Secrets.Select(one => (one, secrets.Get(one.Name)))];
        foreach (var secret in _live.Select(one => one.Live).Distinct())
        {
            secret.Changed += Change;
        }
    }

    /// <summary>Waits for the first values as long as the options say.</summary>
    /// <exception cref="MayflyConfigurationException">One of them could not be had.</exception>
    public override void Load()
    {
        // Configuration is loaded synchronously, once. On the pool, so that no context of the caller's is waited for.
        Task.Run(LoadAsync).GetAwaiter().GetResult();
        Fill();
    }

    public override bool TryGet(string key, out string? value)
    {
        value = null;
        return (!Volatile.Read(ref _owners).TryGetValue(key, out var owner) || owner.TryGetCurrent(out _))
            && base.TryGet(key, out value);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
        }

        foreach (var (_, secret) in _live)
        {
            secret.Changed -= Change;
        }

        foreach (var one in _owned)
        {
            one.Dispose();
        }
    }

    public override string ToString() => $"Mayfly ({string.Join(", ", _options.Secrets.Select(one => one.Name))})";

    private async Task LoadAsync()
    {
        using var limit = new CancellationTokenSource();
        limit.CancelAfter(_options.StartLimit);
        await Task.WhenAll(_live.Select(one => LoadAsync(one.Configured, one.Live, limit.Token)));
    }

    private async Task LoadAsync(ConfiguredSecret configured, LiveSecret live, CancellationToken limit)
    {
        while (true)
        {
            try
            {
                // The first read goes on in the background, whether it is waited for or not.
                await live.GetAsync(limit);
                return;
            }
            catch (SecretUnavailableException failure) when (MayPass(failure.Reason))
            {
                if (await WaitAsync(live, limit))
                {
                    continue;
                }

                Refuse(configured, failure);
                return;
            }
            catch (SecretUnavailableException failure)
            {
                if (!configured.IsOptional)
                {
                    Refuse(configured, failure);
                }

                return;
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested)
            {
                Refuse(configured, failure: null);
                return;
            }
        }
    }

    /// <summary>Whether there is time left, and perhaps a value.</summary>
    private static async Task<bool> WaitAsync(LiveSecret live, CancellationToken limit)
    {
        try
        {
            // A live secret that failed tries again by itself.
            await live.WaitForChangeAsync(known: null, limit);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static bool MayPass(SecretFailure? reason) =>
        reason is null or SecretFailure.Unreachable or SecretFailure.Throttled;

    private void Refuse(ConfiguredSecret configured, SecretUnavailableException? failure)
    {
        if (!_options.StartWithout)
        {
            throw new MayflyConfigurationException(configured.Name, _options.StartLimit, failure);
        }
    }

    private void Change(object? sender, SecretChangedEventArgs change)
    {
        if (Fill())
        {
            OnReload();
        }
    }

    private bool Fill()
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return false;
            }

            var data = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
            var owners = new Dictionary<string, LiveSecret>(StringComparer.OrdinalIgnoreCase);
            foreach (var (configured, live) in _live)
            {
                if (live.TryGetCurrent(out var value))
                {
                    foreach (var (key, text) in ConfigurationKeys.Of(configured, value.Fields))
                    {
                        data[key] = text;
                        owners[key] = live;
                    }
                }
            }

            Data = data;
            Volatile.Write(ref _owners, owners);
            return true;
        }
    }
}
