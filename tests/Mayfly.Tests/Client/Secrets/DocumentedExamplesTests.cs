using System.Text.RegularExpressions;
using Mayfly.Client;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Tests.Client.Secrets;

/// <summary>
/// The examples of <c>docs/sdk/live-secrets.md</c>, run as they are written there: each one stands in this file, line by line.
/// </summary>
public sealed partial class DocumentedExamplesTests(DevServer server) : IClassFixture<DevServer>
{
    private string? _reconnected;

    [Fact]
    public async Task The_first_example_reads_a_password()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await server.WriteAsync("secret/data/shop/db", new { data = new { password = "hunter2" } });
        using var client = server.Client();
        await using var secrets = new LiveSecrets(new MayflySecretSource(client));

        LiveSecret db = secrets.Get("secret/data/shop/db");
        await db.GetAsync(cancellation); // waits for the first value

        string password = db.Current["password"]; // from now on: no waiting, no allocation
        Assert.Equal("hunter2", password);
    }

    [Fact]
    public async Task Changes_are_heard_of()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await server.WriteAsync("secret/data/shop/db", new { data = new { password = "one" } });
        using var client = server.Client();
        var source = new MayflySecretSource(client, new MayflySecretSourceOptions { Consumer = "shop/1" });
        await using var secrets = new LiveSecrets(source);
        var db = secrets.Get("secret/data/shop/db");
        var known = await db.GetAsync(cancellation);
        var seen = new TaskCompletionSource();
        db.Changed += (_, change) => Reconnect(change.Value);
        db.Changed += (_, _) => seen.TrySetResult();

        await server.WriteAsync("secret/data/shop/db", new { data = new { password = "two" } });
        SecretValue next = await db.WaitForChangeAsync(known, cancellation);
        Assert.Equal("two", next["password"]);
        await seen.Task.WaitAsync(cancellation);
        Assert.Equal("two", _reconnected);
    }

    [Fact]
    public async Task Work_survives_a_rotation()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var options = new LiveSecretsOptions
        {
            AuthenticationFailures = AuthenticationFailures.Default.With<BrokerException>(failure =>
                failure.Code == 401
            ),
        };
        var source = new MockSecretSource();
        source.Set("key", [new("api_key", "old")]);
        await using var secrets = new LiveSecrets(
            source,
            options with
            {
                Watch = false,
                LeastInterval = TimeSpan.Zero,
            }
        );
        var key = secrets.Get("key");
        await key.GetAsync(cancellation);
        source.Set("key", [new("api_key", "new")]);
        string answer = await key.WithRotationAsync(
            (value, stop) => CallAsync(value["api_key"], stop),
            cancellationToken: cancellation
        );
        Assert.Equal("answered", answer);
    }

    [Fact]
    public async Task The_mock_gives_what_it_was_set_to()
    {
        var source = new MockSecretSource();
        source.Set("secret/data/shop/db", [new("username", "shop"), new("password", "hunter2")]);
        await using var secrets = new LiveSecrets(source);
        var value = await secrets.GetAsync("secret/data/shop/db", TestContext.Current.CancellationToken);
        Assert.Equal("hunter2", value["password"]);
    }

    /// <summary>Every line of C# on the page is in this file, but for how the client is made and where the keys lie.</summary>
    [Fact]
    public void The_page_shows_what_is_run_here()
    {
        string[] elsewhere =
        [
            "using var client = new MayflyClient(MayflyClientOptions.FromEnvironment());",
            "LastKnownGood = LastKnownGoodFolder.WithKeyFile(\"/var/lib/shop/secrets\", \"/run/credentials/shop/key\"),",
            "MaxStale = TimeSpan.FromHours(12),",
        ];
        var here = File.ReadAllLines(
                Path.Combine(Repository.Root, "tests/Mayfly.Tests/Client/Secrets/DocumentedExamplesTests.cs")
            )
            .Select(Words)
            .ToHashSet(StringComparer.Ordinal);
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs/sdk/live-secrets.md"));
        var lines = Block()
            .Matches(page)
            .SelectMany(block => block.Groups["code"].Value.Split('\n'))
            .Select(Words)
            .ToList();
        Assert.True(lines.Count > 20, "the page has no examples");
        Assert.All(
            lines.Where(line => line.Length > 0 && !elsewhere.Contains(line)),
            line => Assert.True(here.Contains(line), $"not run: {line}")
        );
    }

    private static string Words(string line) => Space().Replace(line, " ").Trim();

    private void Reconnect(SecretValue value) => _reconnected = value["password"];

    private static Task<string> CallAsync(string key, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return key == "new" ? Task.FromResult("answered") : throw new BrokerException(401);
    }

    [GeneratedRegex("```cs\n(?<code>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Block();

    [GeneratedRegex(" +", RegexOptions.None, 1_000)]
    private static partial Regex Space();

    private sealed class BrokerException(int code) : Exception
    {
        public int Code => code;
    }
}
