using System.Collections.Concurrent;
using Mayfly.Client;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.SecretsManager;

/// <summary>
/// Tells the server which versions programs have been handed, so that rotations wait until they have: in the background, only the
/// newest of each secret, again until it is taken. Safe for concurrent use.
/// </summary>
#pragma warning disable CA1001 // A semaphore whose handle is never asked for holds none.
internal sealed class UseReports
#pragma warning restore CA1001
{
    private static readonly TimeSpan RetryWait = TimeSpan.FromSeconds(5);

    private readonly MayflySecretSource _server;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, UsedVersion> _used = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, UsedVersion> _due = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _isDue = new(0);

    /// <param name="client">The server, and who asks; not disposed of here.</param>
    /// <param name="consumer">What the agent calls itself; null to report nothing.</param>
    /// <param name="log">Where it is told what was not taken.</param>
    /// <param name="time">The clock.</param>
    public UseReports(MayflyClient client, string? consumer, ILogger log, TimeProvider time)
    {
        Consumer = consumer;
        _server = new MayflySecretSource(client, new MayflySecretSourceOptions { Consumer = consumer });
        (_log, _time) = (log, time);
    }

    /// <summary>Who reads; null for nobody in particular.</summary>
    public string? Consumer { get; }

    /// <summary>A program has been handed this. Returns at once.</summary>
    public void Use(UsedVersion used)
    {
        if (Consumer is not null && _used.GetValueOrDefault(used.Path) != used)
        {
            _used[used.Path] = used;
            _due[used.Path] = used;
            _isDue.Release();
        }
    }

    /// <summary>It has been read anew: what is handed out next is told again, since a server that was restarted has forgotten it.</summary>
    public void Forget(string path) => _used.TryRemove(path, out _);

    /// <summary>Reports until it is stopped.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            await _isDue.WaitAsync(stop);
            foreach (var (path, used) in _due)
            {
                if (await TryTellAsync(used, stop))
                {
                    _due.TryRemove(new KeyValuePair<string, UsedVersion>(path, used));
                }
            }

            if (!_due.IsEmpty)
            {
                await Task.Delay(RetryWait, _time, stop);
                _isDue.Release();
            }
        }
    }

    /// <summary>False when it is worth another try.</summary>
    private async Task<bool> TryTellAsync(UsedVersion used, CancellationToken stop)
    {
        try
        {
            await _server.AcknowledgeAsync(used.Path, used.Version, stop);
            return true;
        }
        catch (SecretSourceException failure)
        {
            _log.LogWarning("The use of a version was not reported: {Reason}", failure.Message);
            return failure.Reason is not (SecretFailure.Unreachable or SecretFailure.Throttled);
        }
    }
}
