using System.Collections.Concurrent;
using Mayfly.Agent.Configuration;
using Mayfly.Agent.Proxy;
using Mayfly.Client;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.SecretsManager;

/// <summary>
/// Secrets by the names that programs written for AWS use, kept for the listener's TTL, and dropped when a change is heard of. When
/// the server is away, what was kept is served for another hour, unless the newest is asked for. Safe for concurrent use.
/// </summary>
internal sealed class NamedSecrets
{
    private static readonly TimeSpan LongestStale = TimeSpan.FromHours(1);
    private static readonly TimeSpan LifeSign = TimeSpan.FromMinutes(4);

    private readonly SecretsManagerStanza _settings;
    private readonly MayflyClient _client;
    private readonly UseReports _reports;
    private readonly TimeSpan _ttl;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<SecretQuery, Kept> _kept = new();
    private readonly ConcurrentDictionary<SecretQuery, Lazy<Task<VersionAnswer>>> _running = new();

    public NamedSecrets(
        SecretsManagerStanza settings,
        MayflyClient client,
        IEnumerable<ChangeFeed> changes,
        UseReports reports,
        ILogger log,
        TimeProvider time
    )
    {
        (_settings, _client, _reports, _log, _time) = (settings, client, reports, log, time);
        // A consumer that is not heard of for five minutes counts as gone.
        _ttl = reports.Consumer is null || settings.Ttl < LifeSign ? settings.Ttl : LifeSign;
        foreach (var feed in changes)
        {
            feed.Listeners.Add(Drop);
        }
    }

    /// <summary>The answer, in the form of GetSecretValue.</summary>
    public async Task<(int Status, byte[] Body)> GetAsync(SecretQuery query, CancellationToken cancellation)
    {
        var key = query with { RefreshNow = false };
        var kept = _kept.GetValueOrDefault(key);
        if (!query.RefreshNow && kept is not null && _time.GetElapsedTime(kept.Stored) < _ttl)
        {
            return HandOut(kept.Answer);
        }

        try
        {
            // One request for all who ask at the same time; it does not end with the first of them.
            var running = _running.GetOrAdd(key, _ => new Lazy<Task<VersionAnswer>>(() => FetchAsync(key)));
            var answer = await running.Value.WaitAsync(cancellation);
            return HandOut(answer);
        }
        catch (MayflyException e)
        {
            _log.LogWarning("{Name} could not be read: {Reason}", query.SecretId, e.Message);
            return !query.RefreshNow && kept is not null && _time.GetElapsedTime(kept.Stored) < _ttl + LongestStale
                ? HandOut(kept.Answer)
                : (502, SecretValueJson.Error("ConnectionError", "Read Error"));
        }
    }

    private (int Status, byte[] Body) HandOut(VersionAnswer answer)
    {
        if (answer.Used is { } used)
        {
            _reports.Use(used);
        }

        return (answer.Status, answer.Body);
    }

    private async Task<VersionAnswer> FetchAsync(SecretQuery key)
    {
        try
        {
            var asked = _time.GetTimestamp();
            var answer = await new SecretVersions(_client, _settings.Mount, _reports.Consumer).ReadAsync(
                key,
                CancellationToken.None
            );
            if (answer.Used is { } used)
            {
                _reports.Forget(used.Path);
            }

            if (answer.Status == 200 && _ttl > TimeSpan.Zero)
            {
                Keep(key, new Kept(answer, asked));
            }
            else if (answer.Status is >= 400 and < 500)
            {
                _kept.TryRemove(key, out _);
            }

            return answer;
        }
        finally
        {
            _running.TryRemove(key, out _);
        }
    }

    private void Keep(SecretQuery key, Kept kept)
    {
        if (_kept.Count >= _settings.CacheSize && !_kept.ContainsKey(key))
        {
            _kept.TryRemove(_kept.MinBy(each => each.Value.Stored).Key, out _);
        }

        _kept[key] = kept;
    }

    private void Drop(string? path)
    {
        // What is kept stays for the case that the server is away, but is asked for anew.
        foreach (var (key, kept) in _kept)
        {
            if (path is null || path.EndsWith("/" + SecretName.Of(key.SecretId), StringComparison.Ordinal))
            {
                kept.Stored -= (long)(_ttl.TotalSeconds * _time.TimestampFrequency);
            }
        }
    }

    private sealed class Kept(VersionAnswer answer, long stored)
    {
        public VersionAnswer Answer => answer;

        public long Stored { get; set; } = stored;
    }
}
