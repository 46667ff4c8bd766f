using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Mayfly.Tests.Storage;

namespace Mayfly.Tests.Contracts;

/// <summary>
/// A real server is killed again and again while credentials are issued and revoked. Afterwards every user there has a lease, and
/// every lease has a user. What makes users inherits this class and names its server.
/// </summary>
public abstract class CrashContract
{
    private const int Clients = 8;

    /// <summary>How often the server is killed.</summary>
    protected abstract int Rounds { get; }

    /// <summary>Where credentials are read, below a mount that only this test uses: <c>database/creds/app</c>.</summary>
    protected abstract string Credentials { get; }

    /// <summary>Mounts and configures, so that <see cref="Credentials"/> can be read; they live for long.</summary>
    protected abstract Task SetUpAsync(Func<string, object, Task> write);

    /// <summary>The users that there are by now, but for those that this server has not made.</summary>
    protected abstract Task<string[]> UsersAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Killed_again_and_again_under_load_the_server_leaves_no_user_without_a_lease_and_no_lease_without_a_user()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder.Path);
        await using (var server = await ServerProcess.StartDevAsync(folder.Path))
        {
            using var http = server.NewClient();
            await SetUpAsync((path, body) => http.WriteAsync(path, body));
            Assert.Equal(0, await server.StopAsync());
        }

        // What clients know: which leases they have been given, and which they have asked to end. A reply may arrive and the
        // server be killed before it knows that it did: then the credential is gone, and its lease is as well.
        var given = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        var ended = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
        for (var round = 0; round < Rounds; round++)
        {
            await using var server = await ServerProcess.StartDevAsync(folder.Path);
            using var http = server.NewClient();
            var before = given.Count;
            var clients = Enumerable.Range(0, Clients).Select(_ => LoadAsync(http, given, ended)).ToList();
            while (given.Count < before + 1 + (round % 24))
            {
                await Task.Delay(1, Cancellation);
            }

            await server.CrashAsync();
            await Task.WhenAll(clients);
        }

        await using var last = await ServerProcess.StartDevAsync(folder.Path);
        using var client = last.NewClient();
        var (leases, users) = await SettledAsync(client, (leases, users) => leases == users);

        Assert.True(leases.Length == users.Length, $"{leases.Length} leases, {users.Length} users\n{last.Output}");
        Assert.Contains(given, lease => leases.Contains(lease.Key) && !ended.ContainsKey(lease.Key));
        Assert.All(given, lease => Assert.Equal(leases.Contains(lease.Key), users.Contains(lease.Value)));

        // Whatever has a lease ends with it: so nothing that is left was without one. The reply does not wait for the users:
        // before the first of them is gone there are as many leases as users, too, so it is nothing left that is waited for.
        (
            await client.PutAsync(
                new Uri($"sys/leases/revoke-prefix/{Credentials}", UriKind.Relative),
                null,
                Cancellation
            )
        ).EnsureSuccessStatusCode();
        (leases, users) = await SettledAsync(client, (leases, users) => leases + users == 0);
        Assert.Empty(leases);
        Assert.Empty(users);
    }

    /// <summary>Issues credentials and revokes every other one, until the server is gone.</summary>
    private async Task LoadAsync(
        HttpClient http,
        ConcurrentDictionary<string, string> given,
        ConcurrentDictionary<string, bool> ended
    )
    {
        try
        {
            for (var turn = 0; ; turn++)
            {
                using var reply = await http.GetAsync(new Uri($"{Credentials}", UriKind.Relative), Cancellation);
                using var body = JsonDocument.Parse(await reply.Content.ReadAsStringAsync(Cancellation));
                Assert.True(reply.StatusCode == HttpStatusCode.OK, body.RootElement.GetRawText());
                var lease = body.RootElement.GetProperty("lease_id").GetString()!;
                given[lease] = body.RootElement.GetProperty("data").GetProperty("username").GetString()!;
                if (turn % 2 == 0)
                {
                    ended[lease] = true;
                    await http.WriteAsync("sys/leases/revoke", new { lease_id = lease, sync = turn % 4 == 0 });
                }
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            // It was killed.
        }
    }

    /// <summary>Leases and users once there are as many of each as is hoped for, twice in a row, or after the limit.</summary>
    private async Task<(string[] Leases, string[] Users)> SettledAsync(HttpClient http, Func<int, int, bool> hoped)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var inARow = 0;
        while (true)
        {
            var leases = await LeasesAsync(http);
            var users = await UsersAsync();
            inARow = hoped(leases.Length, users.Length) ? inARow + 1 : 0;
            if (inARow == 2 || limit.IsCancellationRequested)
            {
                return (leases, users);
            }

            await Task.Delay(200, Cancellation);
        }
    }

    private async Task<string[]> LeasesAsync(HttpClient http)
    {
        using var reply = await http.GetAsync(
            new Uri($"sys/leases/lookup/{Credentials}?list=true", UriKind.Relative),
            Cancellation
        );
        using var body = JsonDocument.Parse(await reply.Content.ReadAsStringAsync(Cancellation));
        return reply.StatusCode == HttpStatusCode.NotFound
            ? []
            :
            [
                .. body
                    .RootElement.GetProperty("data")
                    .GetProperty("keys")
                    .EnumerateArray()
                    .Select(key => $"{Credentials}/{key.GetString()}"),
            ];
    }
}
