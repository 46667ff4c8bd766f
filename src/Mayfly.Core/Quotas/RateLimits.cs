using System.Collections.Frozen;
using System.Text.Json;
using Mayfly.Core.Engines;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Quotas;

/// <summary>All rate limits with their settings. Immutable but for the clients' allowances; swapped whole.</summary>
internal sealed class RateLimits
{
    private readonly QuotaTable<RateLimiter> _table;
    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> _exempt;
    private readonly string[] _exemptStarts;

    public RateLimits(IReadOnlyCollection<RateLimiter> limiters, QuotaConfig config)
    {
        Limiters = limiters;
        Config = config;
        _table = new QuotaTable<RateLimiter>(limiters.Select(limiter => (limiter.Quota.Scope, limiter)));
        _exempt = config
            .ExemptPaths.Where(path => !path.EndsWith('*'))
            .ToFrozenSet(StringComparer.Ordinal)
            .GetAlternateLookup<ReadOnlySpan<char>>();
        _exemptStarts = [.. config.ExemptPaths.Where(path => path.EndsWith('*')).Select(path => path[..^1])];
    }

    public IReadOnlyCollection<RateLimiter> Limiters { get; }

    public QuotaConfig Config { get; }

    /// <summary>Counts a request with the quota that holds for it.</summary>
    /// <returns>The quota and what it says, or null when none holds.</returns>
    public async ValueTask<(RateLimitQuota Quota, RateStatus Status)?> TakeAsync(
        Request request,
        MountedEngine? mounted,
        CancellationToken cancellation
    )
    {
        if (IsExempt(request.Path.AsSpan().TrimEnd('/')))
        {
            return null;
        }

        var mount = mounted?.Mount.Accessor ?? "";
        // Help is also asked for with the path of a mount without its slash.
        var below = Math.Min(mounted?.Mount.Path.Length ?? 0, request.Path.Length);
        string? role = null;
        if (_table.LooksAtRoles(mount) && mounted!.Engine is IHasLoginRoles roles)
        {
            role = await RoleAsync(roles, request.Path[below..], request, cancellation);
        }

        return _table.Find(mount, request.Path.AsSpan(below), role) is { } limiter
            ? (limiter.Quota, limiter.Take(request.RemoteAddress))
            : null;
    }

    private bool IsExempt(ReadOnlySpan<char> path)
    {
        if (_exempt.Contains(path))
        {
            return true;
        }

        foreach (var start in _exemptStarts)
        {
            if (path.StartsWith(start, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    private static async ValueTask<string?> RoleAsync(
        IHasLoginRoles roles,
        string path,
        Request request,
        CancellationToken cancellation
    )
    {
        if (request.Body.Memory.IsEmpty)
        {
            return null;
        }

        using var body = JsonDocument.Parse(request.Body.Memory);
        return await roles.RoleOfLoginAsync(path, body.RootElement, cancellation);
    }
}
