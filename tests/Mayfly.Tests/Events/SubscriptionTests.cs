using System.Text;
using Mayfly.Core;
using Mayfly.Core.Events;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage.Memory;
using Mayfly.Tests.Engines;

namespace Mayfly.Tests.Events;

/// <summary>A whole vault and its subscribers: what is told, to whom, and until when.</summary>
public sealed class SubscriptionTests
{
    private const string Canary = "canary-value-77aa01";

    /// <summary>Everybody here may see the marks by which a test knows that it has read everything.</summary>
    private const string Marks = """
        path "sys/events/subscribe/*" { capabilities = ["read"] }
        path "marks/*" { capabilities = ["read"] }
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_change_of_a_versioned_secret_has_vaults_name_and_fields()
    {
        await using var vault = await StartAsync();
        using var subscription = await vault.SubscribeAsync("*");
        const string Value = $$$"""{"data":{"k":"{{{Canary}}}"}}""";
        await vault.DataAsync(Operation.Update, "kv/data/app", Value);
        await vault.DataAsync(Operation.Update, "kv/data/app", Value);
        (
            await vault.HandleAsync(Operation.Patch, "kv/data/app", Value, contentType: "application/merge-patch+json")
        ).Response!.Dispose();
        await vault.DataAsync(Operation.Delete, "kv/data/app");
        await vault.DataAsync(Operation.Update, "kv/undelete/app", """{"versions":[3]}""");
        await vault.DataAsync(Operation.Update, "kv/delete/app", """{"versions":[1,2]}""");
        await vault.DataAsync(Operation.Update, "kv/destroy/app", """{"versions":[1]}""");
        await vault.DataAsync(Operation.Update, "kv/metadata/app", $$$"""{"custom_metadata":{"a":"{{{Canary}}}"}}""");
        await vault.DataAsync(Operation.Delete, "kv/metadata/app");
        await vault.DataAsync(Operation.Update, "kv/config", """{"max_versions":5}""");

        var seen = await vault.DrainAsync(subscription);

        Assert.Equal(
            [
                ("kv-v2/data-write", "kv/data/app", "kv/data/app", "1", ""),
                ("kv-v2/data-write", "kv/data/app", "kv/data/app", "2", ""),
                ("kv-v2/data-patch", "kv/data/app", "kv/data/app", "3", ""),
                ("kv-v2/data-delete", "kv/data/app", "kv/data/app", "3", ""),
                ("kv-v2/undelete", "kv/undelete/app", "kv/data/app", "3", "[3]"),
                ("kv-v2/delete", "kv/delete/app", "kv/data/app", "3", "[1,2]"),
                ("kv-v2/destroy", "kv/destroy/app", "kv/data/app", "3", "[1]"),
                ("kv-v2/metadata-write", "kv/metadata/app", "kv/metadata/app", "3", ""),
                ("kv-v2/metadata-delete", "kv/metadata/app", "kv/data/app", "3", ""),
                ("kv-v2/config-write", "kv/config", "kv/config", "", ""),
            ],
            seen.Select(change =>
            {
                var metadata = change.Metadata();
                var named = change.Operation switch
                {
                    "undelete" => "undeleted_versions",
                    "delete" => "deleted_versions",
                    "destroy" => "destroyed_versions",
                    _ => "",
                };
                return (
                    change.Type,
                    metadata.GetProperty("path").GetString()!,
                    metadata.GetProperty("data_path").GetString()!,
                    metadata.TryGetProperty("current_version", out var version) ? version.GetString()! : "",
                    named.Length > 0 ? metadata.GetProperty(named).GetString()! : ""
                );
            })
        );
        Assert.All(seen, change => Assert.DoesNotContain(Canary, change.Text(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Changes_of_plain_secrets_policies_and_mounts_are_told()
    {
        await using var vault = await StartAsync();
        using var subscription = await vault.SubscribeAsync("*");
        await vault.DataAsync(Operation.Update, "marks/app", $$"""{"k":"{{Canary}}"}""");
        await vault.DataAsync(Operation.Delete, "marks/app");
        await vault.DataAsync(Operation.Update, "sys/policies/acl/Shop", """{"policy":"path \"a\" {}"}""");
        await vault.DataAsync(Operation.Delete, "sys/policy/shop");
        await vault.DataAsync(Operation.Update, "sys/mounts/team/x", """{"type":"kv"}""");
        await vault.DataAsync(Operation.Update, "sys/mounts/team/x/tune", """{"description":"d"}""");
        await vault.DataAsync(Operation.Update, "sys/remount", """{"from":"team/x","to":"team/y"}""");
        await vault.DataAsync(Operation.Delete, "sys/mounts/team/y");
        await vault.DataAsync(Operation.Update, "sys/auth/userpass", """{"type":"userpass"}""");

        var seen = await vault.DrainAsync(subscription);

        Assert.Equal(
            [
                ("kv-v1/write", "marks/app"),
                ("kv-v1/delete", "marks/app"),
                ("mayfly/policy-write", "sys/policies/acl/shop"),
                ("mayfly/policy-delete", "sys/policies/acl/shop"),
                ("mayfly/mount-enable", "sys/mounts/team/x"),
                ("mayfly/mount-tune", "sys/mounts/team/x"),
                ("mayfly/mount-move", "sys/mounts/team/x"),
                ("mayfly/mount-move", "sys/mounts/team/y"),
                ("mayfly/mount-disable", "sys/mounts/team/y"),
                ("mayfly/mount-enable", "sys/auth/userpass"),
            ],
            seen.Select(change => (change.Type, change.DataPath))
        );
        Assert.All(seen, change => Assert.DoesNotContain(Canary, change.Text(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_fails_or_changes_nothing_is_not_told()
    {
        var store = new FaultyStore(new MemoryStore());
        await using var vault = await TestVault.StartAsync(store: store);
        await vault.DataAsync(Operation.Update, "sys/mounts/kv", """{"type":"kv-v2"}""");
        await vault.DataAsync(Operation.Update, "sys/mounts/marks", """{"type":"kv"}""");
        await vault.DataAsync(Operation.Update, "kv/data/app", """{"data":{}}""");
        using var subscription = await vault.SubscribeAsync("*");
        await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "kv/data/app",
            """{"data":{},"options":{"cas":7}}"""
        );
        await vault.DataAsync(Operation.Delete, "kv/data/nothing-here");
        await vault.DataAsync(Operation.Update, "kv/destroy/app", """{"versions":[9]}""");
        store.FailAfter(0);
        await vault.FaultAsync(FaultKind.Unavailable, Operation.Update, "kv/data/app", """{"data":{}}""");
        await vault.FaultAsync(FaultKind.Unavailable, Operation.Update, "marks/app", """{"k":"v"}""");
        await vault.FaultAsync(
            FaultKind.Unavailable,
            Operation.Update,
            "sys/policies/acl/p",
            """{"policy":"path \"a\" {}"}"""
        );
        store.FailAfter(int.MaxValue);

        Assert.Empty(await vault.DrainAsync(subscription));
    }

    [Fact]
    public async Task A_subscriber_is_told_only_of_what_its_token_may_read()
    {
        await using var vault = await StartAsync();
        var token = await vault.TokenWithPolicyAsync(
            "shop",
            Marks
                + """
                path "kv/data/shop/*" { capabilities = ["read"] }
                path "kv/data/shop/keys/*" { capabilities = ["deny"] }
                path "kv/data/other" { capabilities = ["list", "update"] }
                path "sys/auth/*" { capabilities = ["read"] }
                """
        );
        using var subscription = await vault.SubscribeAsync("*", token);
        await WriteAsync(vault, "shop/a");
        await WriteAsync(vault, "shop/keys/b");
        await WriteAsync(vault, "other");
        await WriteAsync(vault, "third");
        await vault.DataAsync(Operation.Update, "kv/metadata/shop/a", """{"max_versions":3}""");
        await vault.DataAsync(Operation.Update, "kv/destroy/shop/a", """{"versions":[1]}""");
        await vault.DataAsync(Operation.Update, "sys/auth/userpass", """{"type":"userpass"}""");

        var seen = await vault.DrainAsync(subscription);

        // Reading sys/auth/userpass takes sudo, so being told of it does too.
        Assert.Equal(
            [("kv-v2/data-write", "kv/data/shop/a"), ("kv-v2/destroy", "kv/data/shop/a")],
            seen.Select(change => (change.Type, change.DataPath))
        );
    }

    [Fact]
    public async Task A_policy_as_vault_wants_it_tells_without_the_right_to_read()
    {
        await using var vault = await StartAsync();
        var token = await vault.TokenWithPolicyAsync(
            "relay",
            Marks
                + """
                path "kv/data/*" {
                    capabilities = ["list", "subscribe"]
                    subscribe_event_types = ["kv-v2/data-*"]
                }
                path "kv/data/keys/*" { capabilities = ["deny"] }
                path "kv/data/typeless" { capabilities = ["subscribe"] }
                """
        );
        using var subscription = await vault.SubscribeAsync("kv*", token);
        await WriteAsync(vault, "a");
        await WriteAsync(vault, "keys/b");
        await WriteAsync(vault, "typeless");
        await vault.DataAsync(Operation.Update, "kv/destroy/a", """{"versions":[1]}""");
        await vault.FaultAsync(FaultKind.Denied, Operation.Read, "kv/data/a", token: token);
        Assert.Equal(
            [("kv-v2/data-write", "kv/data/a")],
            (await vault.DrainAsync(subscription)).Select(change => (change.Type, change.DataPath))
        );
        var can = await vault.DataAsync(
            Operation.Update,
            "sys/capabilities-self",
            """{"paths":["kv/data/a"]}""",
            token
        );
        Assert.Equal("""["list","subscribe"]""", can.GetProperty("capabilities").GetRawText());
    }

    [Fact]
    public async Task A_denied_type_is_left_out_of_a_broader_subscription()
    {
        await using var vault = await StartAsync();
        var token = await vault.TokenWithPolicyAsync(
            "some",
            Marks
                + """
                path "sys/events/subscribe/kv-v2/destroy" { capabilities = ["deny"] }
                path "kv/data/*" { capabilities = ["read"] }
                """
        );
        await vault.FaultAsync(FaultKind.Denied, Operation.Read, "sys/events/subscribe/kv-v2/destroy", token: token);
        using var subscription = await vault.SubscribeAsync("kv*", token);
        await WriteAsync(vault, "a");
        await vault.DataAsync(Operation.Update, "kv/destroy/a", """{"versions":[1]}""");
        Assert.Equal(["kv-v2/data-write"], (await vault.DrainAsync(subscription)).Select(change => change.Type));
    }

    [Fact]
    public async Task A_policy_that_changes_counts_from_the_next_event_on()
    {
        await using var vault = await StartAsync();
        var token = await vault.TokenWithPolicyAsync("app", Marks);
        using var subscription = await vault.SubscribeAsync("kv*", token);
        await WriteAsync(vault, "before");
        Assert.Empty(await vault.DrainAsync(subscription));
        await PolicyAsync(vault, Marks + """path "kv/data/*" { capabilities = ["read"] }""");
        await WriteAsync(vault, "allowed");
        Assert.Equal(["kv/data/allowed"], (await vault.DrainAsync(subscription)).Select(change => change.DataPath));
        await PolicyAsync(vault, Marks);
        await WriteAsync(vault, "after");
        Assert.Empty(await vault.DrainAsync(subscription));
    }

    [Fact]
    public async Task A_policy_that_takes_the_subscription_away_ends_it()
    {
        await using var vault = await StartAsync();
        var token = await vault.TokenWithPolicyAsync("app", Marks);
        using var subscription = await vault.SubscribeAsync("kv*", token);
        await PolicyAsync(vault, """path "marks/*" { capabilities = ["read"] }""");
        Assert.Equal(SubscriptionEnd.Denied, (await subscription.ReadAsync(Cancellation)).End);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_filter_that_takes_too_long_ends_the_subscription_and_tells_nothing_of_what_it_may_not_see(
        bool isVisible
    )
    {
        await using var vault = await StartAsync();
        var token = await vault.TokenWithPolicyAsync(
            "app",
            Marks + (isVisible ? "path \"kv/*\" { capabilities = [\"read\"] }" : "")
        );
        const string Slow = "^kv/data/(a|aa|aaa)+$";
        var outcome = await vault.AskAsync(
            "*",
            token,
            query: ("filter", $"data_path matches \"{Slow}\" or data_path contains marks")
        );
        using var subscription = outcome.Response!.Subscription!;
        await WriteAsync(vault, new string('a', 200) + "b");

        if (isVisible)
        {
            Assert.Equal(SubscriptionEnd.FilterTooSlow, (await subscription.ReadAsync(Cancellation)).End);
        }
        else
        {
            Assert.Empty(await vault.DrainAsync(subscription));
        }
    }

    [Theory]
    [InlineData("revoke-self")]
    [InlineData("revoke the parent")]
    [InlineData("expire")]
    public async Task A_token_that_ends_takes_its_subscriptions_along_at_once(string how)
    {
        await using var vault = await StartAsync();
        var parent = await vault.TokenWithPolicyAsync(
            "parent",
            Marks + """path "auth/token/create" { capabilities = ["update"] }"""
        );
        var token = await vault.TokenAsync("""{"policies":["parent"],"ttl":"10m"}""", parent);
        using var subscription = await vault.SubscribeAsync("*", token);
        var reading = subscription.ReadAsync(Cancellation).AsTask();
        Assert.False(reading.IsCompleted);
        switch (how)
        {
            case "revoke-self":
                await vault.DataAsync(Operation.Update, "auth/token/revoke-self", token: token);
                break;
            case "revoke the parent":
                await vault.DataAsync(Operation.Update, "auth/token/revoke", $$"""{"token":"{{parent}}"}""");
                break;
            default:
                await vault.AdvanceAsync(TimeSpan.FromMinutes(11));
                break;
        }

        var batch = await reading;
        while (batch.End == SubscriptionEnd.None)
        {
            // A sign of life, from before the end.
            batch = await subscription.ReadAsync(Cancellation);
        }

        Assert.Equal(SubscriptionEnd.TokenEnded, batch.End);
    }

    [Fact]
    public async Task Sealing_ends_subscriptions_without_waiting_for_them()
    {
        await using var vault = await StartAsync();
        using var subscription = await vault.SubscribeAsync("*");
        var reading = subscription.ReadAsync(Cancellation).AsTask();
        var before = vault.Time.GetUtcNow();
        await vault.DataAsync(Operation.Update, "sys/seal");
        Assert.Equal(SubscriptionEnd.Closing, (await reading).End);
        // The limit of the wait is on this clock, and nobody moved it.
        Assert.Equal(before, vault.Time.GetUtcNow());
        await vault.UnsealAsync();
        using var again = await vault.SubscribeAsync("*");
        Assert.Equal(SubscriptionEnd.Closing, (await subscription.ReadAsync(Cancellation)).End);
    }

    [Theory]
    [InlineData("", StreamKind.ServerSentEvents, "", "", "did not specify eventType")]
    [InlineData("kv*", StreamKind.None, "", "", "ask for it over WebSocket")]
    [InlineData("kv*", StreamKind.WebSocket, "", "", "?json=true")]
    [InlineData("kv*", StreamKind.WebSocket, "json", "false", "?json=true")]
    [InlineData("kv*", StreamKind.ServerSentEvents, "json", "false", "?json=true")]
    [InlineData("kv*", StreamKind.ServerSentEvents, "filter", "secret/data/app", "is no selector")]
    public async Task A_wrong_subscription_is_refused_with_what_to_do(
        string type,
        StreamKind stream,
        string name,
        string value,
        string part
    )
    {
        await using var vault = await StartAsync();
        var outcome = await vault.AskAsync(type, null, stream, name.Length == 0 ? [] : [(name, value)]);
        Assert.Equal(FaultKind.Invalid, outcome.Fault?.Kind);
        Assert.Contains(part, outcome.Fault!.Messages[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Subscriptions_of_a_token_are_limited()
    {
        await using var vault = await TestVault.StartAsync(
            new VaultOptions
            {
                Version = "test",
                Events = new EventLimits { SubscriptionsPerToken = 2 },
            }
        );
        var batch = await vault.TokenWithPolicyAsync("batch", Marks, ""","type":"batch","ttl":"1h" """);
        foreach (var token in (string[])[vault.RootToken, batch])
        {
            using var one = await vault.SubscribeAsync("*", token);
            using var two = await vault.SubscribeAsync("*", token);
            var outcome = await vault.AskAsync("*", token);
            Assert.Equal(FaultKind.Throttled, outcome.Fault?.Kind);
        }
    }

    [Fact]
    public async Task A_subscription_is_audited_like_any_request()
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-events").FullName;
        try
        {
            await using var vault = await StartAsync();
            var log = Path.Combine(folder, "audit.log");
            await vault.DataAsync(
                Operation.Update,
                "sys/audit/file",
                $$$"""{"type":"file","options":{"file_path":"{{{log}}}"}}"""
            );
            using var subscription = await vault.SubscribeAsync("kv*");
            var lines = await File.ReadAllLinesAsync(log, Encoding.UTF8, Cancellation);
            var entries = lines.Where(line => line.Contains("sys/events/subscribe/kv*", StringComparison.Ordinal));
            Assert.Equal(2, entries.Count());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<TestVault> StartAsync()
    {
        var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/mounts/kv", """{"type":"kv-v2"}""");
        await vault.DataAsync(Operation.Update, "sys/mounts/marks", """{"type":"kv"}""");
        return vault;
    }

    private static async Task WriteAsync(TestVault vault, string name) =>
        await vault.DataAsync(Operation.Update, $"kv/data/{name}", $$$"""{"data":{"k":"{{{Canary}}}"}}""");

    private static async Task PolicyAsync(TestVault vault, string hcl) =>
        await vault.DataAsync(
            Operation.Update,
            "sys/policies/acl/app",
            System.Text.Json.JsonSerializer.Serialize(
                new Dictionary<string, string>(StringComparer.Ordinal) { ["policy"] = hcl }
            )
        );
}
