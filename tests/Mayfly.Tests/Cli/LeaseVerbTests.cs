using System.Text.Json;

namespace Mayfly.Tests.Cli;

[Collection(DevServerTests.Name)]
public sealed class LeaseVerbTests(DevServer server) : IDisposable
{
    private readonly CommandLine _mayfly = server.AsRoot();

    public void Dispose() => _mayfly.Dispose();

    [Fact]
    public async Task Leases_are_listed_looked_up_renewed_and_revoked()
    {
        var role = $"r{Guid.NewGuid():N}";
        (await _mayfly.RunAsync("write", $"auth/token/roles/{role}", "token_explicit_max_ttl=2h")).Succeeded();
        (await _mayfly.RunAsync("token", "create", $"-role={role}", "-policy=default", "-ttl=1h")).Succeeded();
        var prefix = $"auth/token/create/{role}";

        Assert.Contains($"{role}/\n", (await _mayfly.RunAsync("lease", "list", "auth/token/create")).Succeeded());
        var keys = JsonElement.Parse((await _mayfly.RunAsync("lease", "list", "-format=json", prefix)).Succeeded());
        var id = $"{prefix}/{keys[0].GetString()}";
        var table = (await _mayfly.RunAsync("lease", "lookup", id)).Succeeded();
        Assert.Contains($"id              {id}\n", table, StringComparison.Ordinal);
        Assert.Contains("last_renewal    <nil>\n", table, StringComparison.Ordinal);
        var renewed = (await _mayfly.RunAsync("lease", "renew", "-increment=30m", id)).Succeeded();
        Assert.Contains($"lease_id           {id}\n", renewed, StringComparison.Ordinal);
        Assert.Contains("lease_duration     30m\n", renewed, StringComparison.Ordinal);
        Assert.Contains("lease_count", (await _mayfly.RunAsync("lease", "count")).Succeeded());

        Assert.Equal(
            $"Success! Revoked lease: {id}\n",
            (await _mayfly.RunAsync("lease", "revoke", "-sync", id)).Succeeded()
        );
        Assert.Equal(2, (await _mayfly.RunAsync("lease", "lookup", id)).Code);
        Assert.Equal(
            "All revocation operations queued successfully!\n",
            (await _mayfly.RunAsync("lease", "revoke", "-prefix", prefix)).Succeeded()
        );
        Assert.Equal(1, (await _mayfly.RunAsync("lease", "revoke", "-force", prefix)).Code);
        (await _mayfly.RunAsync("lease", "tidy")).Succeeded();
        Assert.Equal(
            "Lease ID    Attempts    Error\n--------    --------    -----\n",
            (await _mayfly.RunAsync("lease", "list", "-irrevocable")).Succeeded()
        );
    }
}
