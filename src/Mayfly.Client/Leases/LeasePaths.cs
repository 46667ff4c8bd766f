using Mayfly.Client.Transport;

namespace Mayfly.Client.Leases;

/// <summary>
/// <c>sys/leases</c>. Every call throws <see cref="MayflyApiException"/> when the server refuses and
/// <see cref="MayflyConnectionException"/> when no answer comes. Safe for concurrent use.
/// </summary>
public sealed class LeasePaths
{
    private readonly MayflyClient _client;

    internal LeasePaths(MayflyClient client) => _client = client;

    /// <summary>What the server knows of a lease; null when there is none of that name.</summary>
    /// <param name="id">The lease.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<LeaseInfo?> LookupAsync(string id, CancellationToken cancellationToken = default)
    {
        var response = await PutAsync("lookup", JsonBody.Of(("lease_id", id)), cancellationToken);
        if (response is { Status: 400, Errors: ["invalid lease", ..] })
        {
            return null;
        }

        var data = response.EnsureSuccess().Data;
        return new LeaseInfo(
            data.Text("id") ?? id,
            data.Instant("issue_time"),
            data.Instant("expire_time"),
            data.Instant("last_renewal"),
            data.Flag("renewable"),
            data.Seconds("ttl")
        );
    }

    /// <summary>Prolongs a lease.</summary>
    /// <param name="id">The lease.</param>
    /// <param name="increment">How long it should live from now; null for as long as at first. The server may grant less.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<Lease> RenewAsync(
        string id,
        TimeSpan? increment = null,
        CancellationToken cancellationToken = default
    )
    {
        var body = JsonBody.Of(("lease_id", id), ("increment", DurationText.Of(increment)));
        var response = (await PutAsync("renew", body, cancellationToken)).EnsureSuccess();
        return response.Lease ?? new Lease(id, TimeSpan.Zero, IsRenewable: false);
    }

    /// <summary>Ends a lease, and the credentials with it. Returns when they are gone.</summary>
    /// <param name="id">The lease.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task RevokeAsync(string id, CancellationToken cancellationToken = default)
    {
        var body = JsonBody.Of(
            id,
            static (json, id) =>
            {
                json.WriteString("lease_id", id);
                json.WriteBoolean("sync", true);
            }
        );
        (await PutAsync("revoke", body, cancellationToken)).EnsureSuccess();
    }

    private Task<MayflyResponse> PutAsync(
        string path,
        ReadOnlyMemory<byte> body,
        CancellationToken cancellationToken
    ) => _client.WriteAsync("sys/leases/" + path, body, cancellationToken);
}
