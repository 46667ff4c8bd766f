using System.Text.Json;
using Mayfly.Client;
using Mayfly.Tests.Engines.Database;

namespace Mayfly.Tests.Agent.Rendering;

/// <summary>Credentials with a lease, of a real PostgreSQL.</summary>
public sealed class RenderLeaseTests(DatabaseServers databases)
{
    private const string Credential =
        "{{ with secret \"database/creds/app\" }}{{ .Data.username }} {{ .Data.password }}{{ end }}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Templates_share_one_credential_which_is_renewed_and_replaced_before_its_end_whatever_fails_beside_it()
    {
        var database = await databases.PostgresAsync();
        await using var server = await ServerProcess.StartDevAsync();
        using var client = new MayflyClient(
            new MayflyClientOptions { Address = server.Address, Token = ServerProcess.DevToken }
        );
        var role = "tpl" + Guid.NewGuid().ToString("N")[..8];
        await PutAsync(client, "sys/mounts/database", new { type = "database" });
        await PutAsync(client, "database/config/pg", database.ConfigurationAt(database.Port));
        await PutAsync(
            client,
            "database/roles/app",
            new
            {
                db_name = "pg",
                creation_statements = database.Creation,
                default_ttl = "3s",
                max_ttl = "8s",
            }
        );
        await PutAsync(client, "database/config/pg", new { username_template = role + "_{{random 8}}" });
        await using var run = RenderRun.Start(
            client,
            run =>
                [
                    run.Stanza("one", Credential),
                    run.Stanza("two", Credential + "."),
                    run.Stanza(
                        "bad",
                        "{{ with secret \"database/creds/app\" }}{{ .Data.nope }}{{ end }}",
                        strict: true
                    ),
                ]
        );
        await run.UntilAsync(() => run.Read("one").Length > 0, () => "there is no credential");
        var first = run.Read("one");
        await run.ShowsAsync("two", first + ".");
        await run.UntilAsync(() => run.Renderer.Tasks[2].Executions > 5, () => "the bad one is not tried again");
        Assert.Equal(first, run.Read("one"));
        Assert.Single(await database.UsersAsync(role));
        // Renewed beyond its first lease, until its greatest age; then another takes its place, and works before the first ends.
        await run.UntilAsync(() => run.Read("one") != first, () => "it is not replaced");
        var second = run.Read("one");
        await run.ShowsAsync("two", second + ".");
        var parts = second.Split(' ');
        Assert.True(await database.LetsInAsync(parts[0], parts[1]));
        Assert.DoesNotContain(parts[1], run.Log, StringComparison.Ordinal);
        Assert.InRange((await database.UsersAsync(role)).Length, 1, 2);
    }

    private static async Task PutAsync(MayflyClient client, string path, object body) =>
        (await client.WriteAsync(path, JsonSerializer.SerializeToUtf8Bytes(body), Cancellation)).EnsureSuccess();
}
