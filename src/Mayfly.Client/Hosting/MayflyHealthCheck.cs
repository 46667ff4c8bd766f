using Mayfly.Client.Secrets;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mayfly.Client.Hosting;

/// <summary>
/// Healthy while all secrets in use are fresh; degraded while some are stale, or the login fails and the old token still works;
/// unhealthy when a secret has expired or was never to be had, or there is no login. While no secret is in use it asks the server's
/// <c>sys/health</c>. Otherwise it sends nothing, so that it can be asked as often as one likes.
/// </summary>
/// <param name="client">The client.</param>
/// <param name="secrets">The secrets in use.</param>
public sealed class MayflyHealthCheck(MayflyClient client, LiveSecrets secrets) : IHealthCheck
{
    /// <summary>How the program's secrets are. The data tell their names, by state, and no values.</summary>
    /// <param name="context">How the check was registered.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    )
    {
        var inUse = secrets.All;
        var missing = Names(inUse, static secret => IsMissing(secret));
        var stale = Names(inUse, static secret => secret.State == SecretState.Stale);
        var data = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["secrets"] = inUse.Count,
            ["missing"] = missing,
            ["stale"] = stale,
        };
        var failure = client.Session?.LastFailure;
        if (missing.Length > 0)
        {
            return Bad($"{missing.Length} of {inUse.Count} secrets cannot be had");
        }

        if (failure is not null && client.Session?.Current is null)
        {
            return Bad("there is no login");
        }

        if (stale.Length > 0)
        {
            return HealthCheckResult.Degraded($"{stale.Length} of {inUse.Count} secrets are stale", failure, data);
        }

        if (failure is not null)
        {
            return HealthCheckResult.Degraded("the login fails, and the old token will end", failure, data);
        }

        return inUse.Count > 0
            ? HealthCheckResult.Healthy($"{inUse.Count} secrets are fresh", data)
            : await AskAsync(cancellationToken);

        HealthCheckResult Bad(string text) => new(context.Registration.FailureStatus, text, failure, data);

        async Task<HealthCheckResult> AskAsync(CancellationToken cancellationToken)
        {
            try
            {
                var health = await client.Sys.HealthAsync(cancellationToken);
                return health is { IsInitialized: true, IsSealed: false }
                    ? HealthCheckResult.Healthy("the server answers", data)
                    : Bad("the server is sealed");
            }
            catch (MayflyException unreachable)
            {
                return new(context.Registration.FailureStatus, "the server does not answer", unreachable, data);
            }
        }
    }

    private static bool IsMissing(LiveSecret secret) =>
        secret.State switch
        {
            SecretState.Expired => true,
            // One that was only just asked for is none that is missing.
            SecretState.Cold => secret.LastFailure is not null,
            _ => false,
        };

    private static string[] Names(IReadOnlyCollection<LiveSecret> all, Func<LiveSecret, bool> which) =>
        [.. all.Where(which).Select(static secret => secret.Name).Order(StringComparer.Ordinal)];
}
