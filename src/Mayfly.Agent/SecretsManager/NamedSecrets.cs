using System.Collections.Concurrent;
using System.Runtime.InteropServices;
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

    private readonly SecretsManagerStanza _settings;
    private readonly MayflyClient _client;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<SecretQuery, Kept> _kept = new();
    private readonly ConcurrentDictionary<SecretQuery, Lazy<Task<Answer>>> _running = new();

    public NamedSecrets(
        SecretsManagerStanza settings,
        MayflyClient client,
        ChangeFeed changes,
        ILogger log,
        TimeProvider time
    )
    {
        (_settings, _client, _log, _time) = (settings, client, log, time);
        changes.Listeners.Add(Drop);
    }

    /// <summary>The answer, in the form of GetSecretValue.</summary>
    public async Task<(int Status, byte[] Body)> GetAsync(SecretQuery query, CancellationToken cancellation)
    {
        var key = query with { RefreshNow = false };
        var kept = _kept.GetValueOrDefault(key);
        if (!query.RefreshNow && kept is not null && _time.GetElapsedTime(kept.Stored) < _settings.Ttl)
        {
            return (200, kept.Body);
        }

        try
        {
            // One request for all who ask at the same time; it does not end with the first of them.
            var running = _running.GetOrAdd(key, _ => new Lazy<Task<Answer>>(() => FetchAsync(key)));
            var answer = await running.Value.WaitAsync(cancellation);
            return (answer.Status, answer.Body);
        }
        catch (MayflyException e)
        {
            _log.LogWarning("{Name} could not be read: {Reason}", query.SecretId, e.Message);
            return
                !query.RefreshNow
                && kept is not null
                && _time.GetElapsedTime(kept.Stored) < _settings.Ttl + LongestStale
                ? (200, kept.Body)
                : (502, SecretValueJson.Error("ConnectionError", "Read Error"));
        }
    }

    private async Task<Answer> FetchAsync(SecretQuery key)
    {
        try
        {
            var asked = _time.GetTimestamp();
            var (status, body) = await new SecretVersions(_client, _settings.Mount).ReadAsync(
                key,
                CancellationToken.None
            );
            if (status == 200 && _settings.Ttl > TimeSpan.Zero)
            {
                Keep(key, new Kept(body, asked));
            }
            else if (status is >= 400 and < 500)
            {
                _kept.TryRemove(key, out _);
            }

            return new Answer(status, body);
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
                kept.Stored -= (long)(_settings.Ttl.TotalSeconds * _time.TimestampFrequency);
            }
        }
    }

    private sealed class Kept(byte[] body, long stored)
    {
        public byte[] Body => body;

        public long Stored { get; set; } = stored;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Answer(int Status, byte[] Body);
}
