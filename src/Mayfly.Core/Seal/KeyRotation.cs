using System.Security.Cryptography;
using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Crypto;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Seal;

/// <summary>
/// Gives the keyring new KEKs, on demand and in time; keeps the count of their uses safe from crashes; and has the stored records
/// re-wrapped in the background.
/// </summary>
internal sealed class KeyRotation(Custody custody) : IDisposable
{
    private static readonly TimeSpan CheckEvery = TimeSpan.FromSeconds(1);

    private CancellationTokenSource? _stop;
    private Task _checks = Task.CompletedTask;
    private Task _rewrapping = Task.CompletedTask;
    private volatile RotationPolicy _policy = new();
    private volatile RewrapProgress _progress = new() { Complete = true };

    public RotationPolicy Policy => _policy;

    public RewrapProgress Progress => _progress;

    /// <summary>The background work; ends when the re-wrapping has come to its end, or the vault is sealed.</summary>
    public Task Rewrapping => _rewrapping;

    /// <summary>The vault is open. The caller has entered the gate.</summary>
    public void Start(OpenKeys open)
    {
        _stop = new CancellationTokenSource();
        var stop = _stop.Token;
        _policy = new RotationPolicy();
        var version = open.Keyring.ActiveVersion;
        _progress = new RewrapProgress { Version = version, Complete = true };
        _rewrapping = Task.Run(() => ResumeAsync(open.Keyring, version, stop), CancellationToken.None);
        _checks = CheckAsync(stop);
    }

    /// <summary>The vault is being sealed. The caller has entered the gate.</summary>
    public async ValueTask StopAsync()
    {
        if (_stop is null)
        {
            return;
        }

        await _stop.CancelAsync();
        await _rewrapping;
        await _checks;
        _stop.Dispose();
        _stop = null;
    }

    public void Dispose() => _stop?.Dispose();

    /// <summary>A new KEK for everything that is written from now on; the rest is re-wrapped in the background.</summary>
    public async ValueTask<Fault?> RotateAsync(CancellationToken cancellation)
    {
        using var entered = await custody.EnterAsync(cancellation);
        return custody.Open is { } open ? await RotateAsync(open, cancellation) : Fault.Sealed();
    }

    /// <summary>The facts about the active KEK.</summary>
    public async ValueTask<(KeyStatus? Status, Fault? Fault)> StatusAsync(CancellationToken cancellation)
    {
        using var entered = await custody.EnterAsync(cancellation);
        return custody.Open is { Keyring: var keyring }
            ? (new KeyStatus(keyring.ActiveVersion, keyring.ActiveSince, keyring.ActiveUses), null)
            : (null, Fault.Sealed());
    }

    public async ValueTask<Fault?> SetPolicyAsync(RotationPolicy policy, CancellationToken cancellation)
    {
        using var entered = await custody.EnterAsync(cancellation);
        if (custody.Open is not { } open)
        {
            return Fault.Sealed();
        }

        var bytes = JsonSerializer.SerializeToUtf8Bytes(policy, RotationJson.Default.RotationPolicy);
        var batch = new Batch();
        batch.Put(CoreKeys.RotationPolicy, open.Keyring.Seal(CoreKeys.RotationPolicy.Bytes, bytes));
        var result = await custody.Store.CommitAsync(batch, cancellation);
        if (!result.Succeeded)
        {
            return Fault.From(result);
        }

        _policy = policy;
        return null;
    }

    /// <summary>What is to be done from time to time. Tests call it; otherwise a timer does.</summary>
    public async ValueTask CheckOnceAsync(CancellationToken cancellation)
    {
        using var entered = await custody.EnterAsync(cancellation);
        if (custody.Open is not { Keyring: var keyring } open)
        {
            return;
        }

        if (_policy.IsDue(keyring.ActiveUses, custody.Time.GetUtcNow() - keyring.ActiveSince))
        {
            if (await RotateAsync(open, cancellation) is { } fault)
            {
                custody.Log.LogWarning("the keyring should rotate, but: {Reason}", string.Join("; ", fault.Messages));
            }
        }
        else if (open.ReservationPending || keyring.ReservationLow)
        {
            keyring.ReserveUses();
            var result = await custody.Records.SaveKeyringAsync(open.RootKey, keyring, cancellation);
            open.ReservationPending = !result.Succeeded;
        }
    }

    private async ValueTask<Fault?> RotateAsync(OpenKeys open, CancellationToken cancellation)
    {
        // Persisted first and used afterwards: a crash in between leaves a key that nothing is wrapped with.
        var version = open.Keyring.Stage(custody.Time.GetUtcNow());
        var saved = await custody.Records.SaveKeyringAsync(open.RootKey, open.Keyring, cancellation);
        if (!saved.Succeeded)
        {
            return Fault.From(saved);
        }

        open.Keyring.Activate();
        open.ReservationPending = false;
        custody.Log.LogInformation("the keyring rotated to key {Version}", version);
        var stop = _stop!.Token;
        var before = _rewrapping;
        _progress = new RewrapProgress { Version = version };
        _rewrapping = Task.Run(
            async () =>
            {
                // The walk that is under way notices the new key and ends.
                await before;
                await RewrapAsync(open.Keyring, new RewrapProgress { Version = version }, stop);
            },
            CancellationToken.None
        );
        return null;
    }

    private async Task CheckAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(CheckEvery, custody.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                try
                {
                    await CheckOnceAsync(stop);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    custody.Log.LogError(e, "the check of the keyring failed; it will be tried again");
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Sealed.
        }
    }

    /// <summary>After unsealing: reads the policy, and goes on with a walk that a restart interrupted.</summary>
    private async Task ResumeAsync(Keyring keyring, int version, CancellationToken stop)
    {
        try
        {
            if (await ReadAsync(keyring, CoreKeys.RotationPolicy, stop) is { } policy)
            {
                using (policy)
                {
                    _policy = JsonSerializer.Deserialize(policy.Span, RotationJson.Default.RotationPolicy) ?? _policy;
                }
            }

            var progress = new RewrapProgress { Version = version, Complete = version == 1 };
            if (await ReadAsync(keyring, CoreKeys.Rewrap, stop) is { } stored)
            {
                using (stored)
                {
                    var last = JsonSerializer.Deserialize(stored.Span, RotationJson.Default.RewrapProgress);
                    progress = last?.Version == version ? last : progress;
                }
            }

            Report(progress);
            await RewrapAsync(keyring, progress, stop);
        }
        catch (OperationCanceledException)
        {
            // Sealed.
        }
        catch (Exception e) when (e is CryptographicException or StoreCorruptException or JsonException)
        {
            custody.Log.LogError(e, "the records about key rotation are damaged; the defaults apply");
        }
    }

    private async Task RewrapAsync(Keyring keyring, RewrapProgress from, CancellationToken stop)
    {
        var walk = new Rewrap(custody.Store, keyring, custody.Log);
        try
        {
            await walk.RunAsync(from, Report, custody.Time, stop);
        }
        catch (OperationCanceledException)
        {
            // Sealed; the next unsealing goes on from the stored progress.
        }
        catch (Exception e)
        {
            custody.Log.LogError(e, "re-wrapping stopped; it goes on after the next rotation or unsealing");
        }
    }

    /// <summary>What an older walk says late, when a newer key has come, does not count.</summary>
    private void Report(RewrapProgress progress)
    {
        if (progress.Version >= _progress.Version)
        {
            _progress = progress;
        }
    }

    private async ValueTask<SecretBytes?> ReadAsync(Keyring keyring, StoreKey key, CancellationToken cancellation) =>
        await custody.Store.GetAsync(key, cancellation) is { } record
            ? keyring.Open(key.Bytes, record.Value.Span)
            : null;
}

/// <summary>The facts about the active KEK. Immutable.</summary>
internal sealed record KeyStatus(int Version, DateTimeOffset CreatedAt, long Uses);
