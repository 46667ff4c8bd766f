using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http.Features;

namespace Mayfly.Server.Http.Vault;

/// <summary>
/// What is kept for one connection (or HTTP/2 stream slot) from request to request, so that a request allocates little:
/// Kestrel hands it back for the next one. Serves one request at a time.
/// </summary>
[SuppressMessage(
    "Design",
    "CA1001",
    Justification = "Kestrel does not say when it drops one; without a running timer there is nothing to release."
)]
internal sealed class Exchange
{
    private CancellationTokenSource _limit = new();
    private string? _rawTarget;
    private RequestTarget? _target;

    public required IFeatureCollection Features { get; set; }

    /// <summary>The listener that the connection came in by.</summary>
    public required Listener? Listener { get; init; }

    /// <summary>Ends when the request has taken too long, once <see cref="StartLimit"/> was called.</summary>
    public CancellationToken Cancellation => _limit.Token;

    /// <summary>Starts the clock; without it, a request that is answered at once costs no timer.</summary>
    public void StartLimit(TimeSpan limit) => _limit.CancelAfter(limit);

    /// <summary>Lets the request take as long as it likes: it is a stream.</summary>
    public void StopLimit() => _limit.CancelAfter(Timeout.InfiniteTimeSpan);

    /// <summary>Stops the clock for this request.</summary>
    public void Reset()
    {
        if (!_limit.TryReset())
        {
            _limit.Dispose();
            _limit = new CancellationTokenSource();
        }
    }

    /// <summary>The parsed target when this connection's last request had the same: clients often repeat themselves.</summary>
    public RequestTarget? Recall(string rawTarget) => _rawTarget == rawTarget ? _target : null;

    public void Remember(string rawTarget, RequestTarget target)
    {
        _rawTarget = rawTarget;
        _target = target;
    }
}
