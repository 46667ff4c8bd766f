using Microsoft.Extensions.Primitives;

namespace Mayfly.Agent.Proxy;

/// <summary>Why a response is kept, which says what ends it.</summary>
internal enum CachedKind
{
    /// <summary>It has a lease, which is renewed, and ends it.</summary>
    Lease,

    /// <summary>It hands out a token, which is renewed, and ends it.</summary>
    Token,

    /// <summary>It has neither; change events end it.</summary>
    Static,
}

/// <summary>A response that is kept. Immutable but for the time of its end.</summary>
internal sealed class CachedResponse(
    CacheKey key,
    CachedKind kind,
    KeyValuePair<string, StringValues>[] headers,
    byte[] body,
    ResponseShape shape,
    long stored
)
{
    private long _renewed = stored;

    public CacheKey Key => key;

    public CachedKind Kind => kind;

    public KeyValuePair<string, StringValues>[] Headers => headers;

    public byte[] Body => body;

    public string LeaseId => shape.LeaseId;

    /// <summary>The token that it hands out, or null.</summary>
    public string? HandedOut => shape.Token;

    /// <summary>The accessor of that token.</summary>
    public string Accessor => shape.Accessor;

    public bool IsOrphan => shape.IsOrphan;

    public bool IsRenewable { get; private set; } = shape.IsRenewable;

    /// <summary>When it came.</summary>
    public long Stored { get; } = stored;

    /// <summary>What it has lived for from the last renewal.</summary>
    public TimeSpan LeaseDuration { get; private set; } = shape.LeaseDuration;

    /// <summary>What it was given at first.</summary>
    public TimeSpan FirstDuration => shape.LeaseDuration;

    /// <summary>Set when it is evicted: whoever still works on it stops.</summary>
    public bool IsEvicted { get; set; }

    public TimeSpan Left(TimeProvider time) => LeaseDuration - time.GetElapsedTime(_renewed);

    public void Renew(TimeSpan duration, bool isRenewable, long asked)
    {
        LeaseDuration = duration;
        IsRenewable = isRenewable;
        _renewed = asked;
    }
}
