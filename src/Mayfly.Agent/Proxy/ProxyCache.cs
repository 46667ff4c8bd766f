using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Http.Headers;
using Mayfly.Agent.Configuration;
using Mayfly.Agent.Identity;
using Mayfly.Agent.Kv;
using Mayfly.Agent.Listeners;
using Microsoft.Extensions.Primitives;

namespace Mayfly.Agent.Proxy;

/// <summary>
/// What is kept of which responses, and until when. Leases and tokens only of tokens that the agent manages: its own, and those
/// that it keeps alive. Safe for concurrent use.
/// </summary>
internal sealed class ProxyCache
{
    private const int LargestBody = 4 * 1024 * 1024;

    /// <summary>How long a secret without a lease is served while neither the server nor its changes can be heard.</summary>
    private static readonly TimeSpan LongestStale = TimeSpan.FromMinutes(5);

    private readonly CacheStanza _settings;
    private readonly ResponseCache _responses;
    private readonly LeaseRenewal _renewal;
    private readonly AgentIdentity? _identity;
    private readonly ChangeFeed? _changes;
    private readonly KvMounts? _mounts;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<CacheKey, TaskCompletionSource> _running = new();

    public ProxyCache(
        CacheStanza settings,
        ResponseCache responses,
        LeaseRenewal renewal,
        AgentIdentity? identity,
        ChangeFeed? changes,
        TimeProvider time
    )
    {
        (_settings, _responses, _renewal, _identity, _time) = (settings, responses, renewal, identity, time);
        if (settings.StaticSecrets && changes is not null && identity is not null)
        {
            _changes = changes;
            _mounts = new KvMounts(identity.Client);
            changes.Listeners.Add(Drop);
        }
    }

    public long Now => _time.GetTimestamp();

    public int Clear(Predicate<CachedResponse> fits) => _responses.Evict(fits);

    /// <summary>A token was given up: what was had with it goes.</summary>
    public void EvictToken(string token) => _responses.EvictToken(token);

    /// <summary>What is kept for a request without a body.</summary>
    public bool TryFind(Exchange exchange, string token, [NotNullWhen(true)] out CachedResponse? kept)
    {
        kept = exchange.Method == "GET" && CacheKey.Of(exchange, token, []) is { } key ? Find(key) : null;
        return kept is not null;
    }

    public CachedResponse? Find(CacheKey key) => _responses.Find(key) is { } kept && IsFresh(kept) ? kept : null;

    /// <summary>What may be served when the server does not answer.</summary>
    public CachedResponse? FindStale(CacheKey key) =>
        _responses.Find(key) is { Kind: CachedKind.Static } kept
        && _changes is not null
        && _changes.Broken <= LongestStale
        && _time.GetElapsedTime(kept.Stored) <= _settings.CapabilityRefresh + LongestStale
            ? kept
            : null;

    public string Age(CachedResponse kept) =>
        ((long)_time.GetElapsedTime(kept.Stored).TotalSeconds).ToString(CultureInfo.InvariantCulture);

    /// <summary>The running request of that kind, and whether it is the caller's.</summary>
    public (TaskCompletionSource Turn, bool IsFirst) Begin(CacheKey key)
    {
        var mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var turn = _running.GetOrAdd(key, mine);
        return (turn, ReferenceEquals(turn, mine));
    }

    public void End(CacheKey key, TaskCompletionSource turn)
    {
        _running.TryRemove(new KeyValuePair<CacheKey, TaskCompletionSource>(key, turn));
        turn.TrySetResult();
    }

    /// <summary>To be had before the server is asked, and handed to <see cref="KeepAsync"/>.</summary>
    public long? Mark() => _changes?.Mark();

    public static bool MayRead(HttpContentHeaders headers) =>
        headers is { ContentLength: <= LargestBody, ContentType.MediaType: "application/json" };

    public void Apply(string method, string path, string token, ReadOnlySpan<byte> body) =>
        Revocations.Apply(_responses, method, path, token, body);

    /// <summary>Keeps a response if it is of a kind that is kept.</summary>
    public async Task KeepAsync(
        CacheKey key,
        KeyValuePair<string, StringValues>[] headers,
        byte[] body,
        long? mark,
        long asked,
        CancellationToken cancellation
    )
    {
        // What a wrapping token holds is for one reader: the next must see that somebody was there before. A renewal's answer has
        // the lease of what was renewed.
        if (IsOfSystem(key.Path) || ResponseShape.Read(body) is not { IsWrapped: false } shape)
        {
            return;
        }

        CachedKind kind;
        if (shape.Token is { Length: > 0 })
        {
            if (
                !_settings.DynamicSecrets
                || shape.LeaseDuration == TimeSpan.Zero
                || !(shape.IsOrphan || IsManaged(key.Token))
            )
            {
                return;
            }

            kind = CachedKind.Token;
        }
        else if (shape.LeaseId.Length > 0)
        {
            if (!_settings.DynamicSecrets || shape.LeaseDuration == TimeSpan.Zero || !IsManaged(key.Token))
            {
                return;
            }

            kind = CachedKind.Lease;
        }
        else if (
            mark is { } since
            && key.Method == "GET"
            && shape.HasData
            && !IsList(key.Target)
            && await _mounts!.IsDataAsync(key.Path, key.Namespace, cancellation)
            && !_changes!.HasChangedSince(since, key.Path)
        )
        {
            kind = CachedKind.Static;
        }
        else
        {
            return;
        }

        var response = new CachedResponse(key, kind, headers, body, shape, asked);
        if (!_responses.Add(response))
        {
            return;
        }

        if (kind != CachedKind.Static)
        {
            _renewal.Attend(response);
        }
        else if (_changes!.HasChangedSince(mark!.Value, key.Path))
        {
            // Between the look above and the keeping.
            _responses.Evict(response);
        }
    }

    private bool IsManaged(string token) =>
        token.Length > 0 && (token == _identity?.Current || _responses.HandedOut(token));

    // Of any namespace.
    private static bool IsOfSystem(string path) =>
        path.StartsWith("sys/", StringComparison.Ordinal) || path.Contains("/sys/wrapping/", StringComparison.Ordinal);

    private static bool IsList(string target) =>
        target.Contains("?list=", StringComparison.Ordinal) || target.Contains("&list=", StringComparison.Ordinal);

    private bool IsFresh(CachedResponse kept) =>
        kept.Kind == CachedKind.Static
            ? _changes!.IsLive && _time.GetElapsedTime(kept.Stored) <= _settings.CapabilityRefresh
            : kept.Left(_time) > TimeSpan.Zero;

    private void Drop(string? path) =>
        _responses.Evict(entry => entry.Kind == CachedKind.Static && (path is null || entry.Key.Path == path));
}
