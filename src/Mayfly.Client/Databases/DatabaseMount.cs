using Mayfly.Client.Leases;
using Mayfly.Client.Transport;

namespace Mayfly.Client.Databases;

/// <summary>
/// Credentials of one <c>database</c> engine. Every call throws <see cref="MayflyApiException"/> when the server refuses and
/// <see cref="MayflyConnectionException"/> when no answer comes. Safe for concurrent use.
/// </summary>
public sealed class DatabaseMount
{
    private readonly MayflyClient _client;
    private readonly string _mount;

    internal DatabaseMount(MayflyClient client, string mount) => (_client, _mount) = (client, mount.Trim('/'));

    /// <summary>
    /// A new user. When the answer is lost the call is not repeated, because that would make another one; the server ends the
    /// lost one with its lease.
    /// </summary>
    /// <param name="role">The role.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<DatabaseCredentials> CredentialsAsync(string role, CancellationToken cancellationToken = default)
    {
        var request = new MayflyRequest(HttpMethod.Get, $"{_mount}/creds/{role}") { ChangesNothing = false };
        var response = (await _client.SendAsync(request, cancellationToken)).EnsureSuccess();
        return new DatabaseCredentials(
            response.Data.Text("username") ?? "",
            new SecretString(response.Data.Text("password") ?? ""),
            response.Lease ?? new Lease("", TimeSpan.Zero, IsRenewable: false)
        );
    }

    /// <summary>The present password of a static role.</summary>
    /// <param name="role">The role.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<StaticCredentials> StaticCredentialsAsync(
        string role,
        CancellationToken cancellationToken = default
    )
    {
        var response = await _client.ReadAsync($"{_mount}/static-creds/{role}", cancellationToken);
        var data = response.EnsureSuccess().Data;
        return new StaticCredentials(
            data.Text("username") ?? "",
            new SecretString(data.Text("password") ?? ""),
            data.Instant("last_vault_rotation"),
            data.Seconds("rotation_period"),
            data.Seconds("ttl")
        );
    }
}
