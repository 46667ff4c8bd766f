using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Tests.Leases;

/// <summary><c>sys/leases</c>, with the texts and members that Vault's clients know.</summary>
public sealed class LeasePathsTests
{
    [Fact]
    public async Task Rotating_the_keys_keeps_nothing_from_being_issued_or_revoked()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var vault = leasing.Vault;
        await vault.DataAsync(Operation.Update, "sys/leases/revoke-prefix/leasing/creds/first");

        await vault.DataAsync(Operation.Update, "sys/rotate");
        await vault.Vault.Custody.Rotation.Rewrapping;
        await vault.TokenAsync("""{"ttl":"1h"}""");
        await vault.DataAsync(Operation.Update, "sys/rotate");
        await vault.Vault.Custody.Rotation.Rewrapping;
        var lease = await leasing.IssueAsync();
        await vault.DataAsync(Operation.Update, "sys/rotate");
        await vault.Vault.Custody.Rotation.Rewrapping;
        await vault.DataAsync(Operation.Update, "sys/leases/revoke-prefix/leasing/creds/app");

        await vault.AdvanceAsync(TimeSpan.Zero);
        Assert.DoesNotContain(lease.Name, leasing.Things.Alive.Keys);
    }

    [Fact]
    public async Task A_lease_is_looked_up_listed_and_renewed()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var lease = await leasing.IssueAsync("ttl=60&max_ttl=100");
        leasing.Vault.Time.Advance(TimeSpan.FromSeconds(10));

        var shown = await leasing.Vault.DataAsync(Operation.Update, "sys/leases/lookup", Body(lease.LeaseId));
        Assert.Equal(lease.LeaseId, shown.GetProperty("id").GetString());
        Assert.Equal(50, shown.GetProperty("ttl").GetInt32());
        Assert.Equal("2026-01-01T00:00:00Z", shown.GetProperty("issue_time").GetString());
        Assert.Equal("2026-01-01T00:01:00Z", shown.GetProperty("expire_time").GetString());
        Assert.Equal(JsonValueKind.Null, shown.GetProperty("last_renewal").ValueKind);
        Assert.True(shown.GetProperty("renewable").GetBoolean());

        Assert.Equal(["leasing/"], await KeysAsync(leasing, ""));
        Assert.Equal(["creds/"], await KeysAsync(leasing, "leasing/"));
        Assert.Equal([lease.LeaseId[^24..]], await KeysAsync(leasing, "leasing/creds/app/"));

        var renewed = await RenewAsync(leasing, lease.LeaseId);
        Assert.Equal(TimeSpan.FromSeconds(60), renewed.LeaseDuration);
        Assert.Equal(lease.LeaseId, renewed.LeaseId);
        Assert.Equal(leasing.Vault.Time.GetUtcNow().AddSeconds(60), leasing.Things.Alive[lease.Name]);

        // The maximum counts from the issue.
        var most = await RenewAsync(leasing, lease.LeaseId, "1h");
        Assert.Equal(TimeSpan.FromSeconds(90), most.LeaseDuration);
        Assert.Contains("exceeded the effective max_ttl", Assert.Single(most.Warnings));

        await leasing.Vault.AdvanceAsync(TimeSpan.FromSeconds(90));
        Assert.Empty(leasing.Things.Alive);
        Assert.Equal("lease not found", await RefusedAsync(leasing, "sys/leases/renew", lease.LeaseId));
        Assert.Equal("invalid lease", await RefusedAsync(leasing, "sys/leases/lookup", lease.LeaseId));
    }

    [Fact]
    public async Task Texts_of_refusals_are_those_of_Vault()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var lease = await leasing.IssueAsync("fixed=true");

        Assert.Equal("lease is not renewable", await RefusedAsync(leasing, "sys/leases/renew", lease.LeaseId));
        Assert.Equal("lease not found", await RefusedAsync(leasing, "sys/leases/renew", "leasing/creds/app/none"));
        Assert.Equal("invalid lease", await RefusedAsync(leasing, "sys/leases/lookup", "nowhere/at/all"));
        Assert.Equal("invalid lease", await RefusedAsync(leasing, "sys/leases/lookup", "//"));
        foreach (var path in new[] { "sys/leases/renew", "sys/leases/revoke", "sys/leases/lookup", "sys/renew" })
        {
            Assert.Equal(
                "lease_id must be specified",
                await leasing.Vault.FaultAsync(FaultKind.Invalid, Operation.Update, path)
            );
        }
    }

    [Theory]
    [InlineData("sys/leases/revoke", true)]
    [InlineData("sys/revoke", true)]
    [InlineData("sys/leases/revoke/{id}", false)]
    [InlineData("sys/revoke/{id}", false)]
    public async Task A_lease_is_revoked_by_the_body_or_the_path(string path, bool inBody)
    {
        await using var leasing = await LeasingVault.StartAsync();
        var lease = await leasing.IssueAsync();

        var outcome = await leasing.Vault.HandleAsync(
            Operation.Update,
            path.Replace("{id}", lease.LeaseId, StringComparison.Ordinal),
            inBody ? Body(lease.LeaseId) : null
        );
        Assert.True(outcome.Response!.IsAccepted);
        await leasing.Vault.AdvanceAsync(TimeSpan.Zero);

        Assert.Empty(leasing.Things.Alive);
        await leasing.HasNothingStoredAsync();
    }

    [Fact]
    public async Task A_synchronous_revocation_says_why_it_failed()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var lease = await leasing.IssueAsync();
        leasing.Things.OnRevoke = (_, _) => new(Fault.Invalid("the role owns tables"));

        Assert.Equal(
            "the role owns tables",
            await leasing.Vault.FaultAsync(
                FaultKind.Invalid,
                Operation.Update,
                "sys/leases/revoke",
                $$"""{"lease_id":"{{lease.LeaseId}}","sync":true}"""
            )
        );

        leasing.Things.OnRevoke = null;
        await leasing.Vault.DataAsync(
            Operation.Update,
            "sys/leases/revoke",
            $$"""{"lease_id":"{{lease.LeaseId}}","sync":true}"""
        );
        Assert.Empty(leasing.Things.Alive);
    }

    [Theory]
    [InlineData("leasing/creds/app")]
    [InlineData("leasing/creds/app/")]
    [InlineData("leasing")]
    public async Task Revoking_a_prefix_ends_what_is_below_it_at_once(string prefix)
    {
        await using var leasing = await LeasingVault.StartAsync();
        var below = await leasing.IssueAsync();
        var other = await leasing.IssueAsync(path: "leasing/creds/application");

        await leasing.Vault.DataAsync(Operation.Update, "sys/leases/revoke-prefix/" + prefix);

        // Before anything is cleaned away.
        Assert.Equal("invalid lease", await RefusedAsync(leasing, "sys/leases/lookup", below.LeaseId));
        Assert.Equal("lease not found", await RefusedAsync(leasing, "sys/leases/renew", below.LeaseId));
        var later = await leasing.IssueAsync();
        await leasing.Vault.AdvanceAsync(TimeSpan.Zero);
        string[] left = prefix == "leasing" ? [later.Name] : [later.Name, other.Name];
        Assert.Equal(left.Order(), leasing.Things.Alive.Keys.Order());
    }

    [Fact]
    public async Task Revoking_by_force_forgets_what_cannot_be_ended()
    {
        await using var leasing = await LeasingVault.StartAsync();
        await leasing.IssueAsync();
        await leasing.IssueAsync();
        leasing.Things.OnRevoke = (_, _) => new(Fault.Unavailable("the database is away"));

        await leasing.Vault.DataAsync(Operation.Update, "sys/leases/revoke-force/leasing/creds");

        Assert.Equal(2, leasing.Things.Alive.Count);
        await leasing.HasNothingStoredAsync();
    }

    [Fact]
    public async Task What_fails_for_a_day_is_listed_as_irrevocable_until_somebody_revokes_it()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var lease = await leasing.IssueAsync("ttl=60");
        leasing.Things.OnRevoke = (_, _) => new(Fault.Invalid("the role owns tables"));
        for (var hour = 0; hour < 72; hour++)
        {
            await leasing.Vault.AdvanceAsync(TimeSpan.FromHours(1));
        }

        var attempts = leasing.Things.Revocations.Count;
        await leasing.Vault.AdvanceAsync(TimeSpan.FromDays(7));
        Assert.Equal(attempts, leasing.Things.Revocations.Count);

        var listed = await leasing.Vault.HandleAsync(
            Operation.Read,
            "sys/leases",
            query: new Dictionary<string, string> { ["type"] = "irrevocable" }
        );
        using var data = JsonDocument.Parse(listed.Response!.Data);
        Assert.Equal(1, data.RootElement.GetProperty("lease_count").GetInt32());
        var row = data.RootElement.GetProperty("leases")[0];
        Assert.Equal(lease.LeaseId, row.GetProperty("lease_id").GetString());
        Assert.Equal("the role owns tables", row.GetProperty("error").GetString());
        Assert.Equal(1, (await CountAsync(leasing, "irrevocable")).GetProperty("lease_count").GetInt32());

        leasing.Things.OnRevoke = null;
        await leasing.Vault.DataAsync(Operation.Update, "sys/leases/revoke", Body(lease.LeaseId));
        await leasing.Vault.AdvanceAsync(TimeSpan.Zero);
        Assert.Empty(leasing.Things.Alive);
        Assert.Equal(0, (await CountAsync(leasing, "irrevocable")).GetProperty("lease_count").GetInt32());
        await leasing.HasNothingStoredAsync();
    }

    [Fact]
    public async Task Leases_are_counted_by_mount()
    {
        await using var leasing = await LeasingVault.StartAsync();
        await leasing.IssueAsync();
        await leasing.IssueAsync();
        await leasing.Vault.TokenAsync("{}");

        var counts = await CountAsync(leasing, type: null);

        Assert.Equal(3, counts.GetProperty("lease_count").GetInt32());
        Assert.Equal(
            [1, 2],
            counts.GetProperty("counts").EnumerateObject().Select(mount => mount.Value.GetInt32()).Order()
        );
    }

    [Fact]
    public async Task Tidying_ends_leases_whose_token_is_gone()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var kept = await leasing.IssueAsync();
        var before = await TokenKeysAsync(leasing);
        await leasing.IssueAsync(token: await leasing.Vault.TokenAsync("{}"));
        var lost = new Batch();
        foreach (var key in (await TokenKeysAsync(leasing)).Except(before))
        {
            lost.Delete(key);
        }

        await leasing.Vault.Store.CommitAsync(lost, TestContext.Current.CancellationToken);

        await leasing.Vault.DataAsync(Operation.Update, "sys/leases/tidy");
        await leasing.Vault.AdvanceAsync(TimeSpan.Zero);

        Assert.Equal(kept.Name, Assert.Single(leasing.Things.Alive).Key);
    }

    [Fact]
    public async Task Listing_and_revoking_prefixes_need_sudo()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var token = await leasing.Vault.TokenWithPolicyAsync(
            "all",
            """path "sys/*" { capabilities = ["create", "read", "update", "list"] }"""
        );

        await leasing.Vault.FaultAsync(FaultKind.Denied, Operation.List, "sys/leases/lookup/", token: token);
        await leasing.Vault.FaultAsync(FaultKind.Denied, Operation.Update, "sys/revoke-prefix/leasing", token: token);
        await leasing.Vault.FaultAsync(FaultKind.Denied, Operation.Update, "sys/revoke-force/leasing", token: token);
        await leasing.Vault.FaultAsync(FaultKind.Denied, Operation.Read, "sys/leases", token: token);
    }

    internal static string Body(string id) => $$"""{"lease_id":"{{id}}"}""";

    internal static async Task<IReadOnlyList<string>> KeysAsync(LeasingVault leasing, string prefix)
    {
        var data = await leasing.Vault.DataAsync(Operation.List, "sys/leases/lookup/" + prefix);
        return [.. data.GetProperty("keys").EnumerateArray().Select(key => key.GetString()!)];
    }

    internal static Task<string> RefusedAsync(LeasingVault leasing, string path, string id) =>
        leasing.Vault.FaultAsync(FaultKind.Invalid, Operation.Update, path, Body(id));

    private static async Task<IReadOnlyList<StoreKey>> TokenKeysAsync(LeasingVault leasing)
    {
        var tokens = StoreKey.Root.Append("token");
        var found = await leasing.Vault.Store.ScanAsync(tokens, null, 100, TestContext.Current.CancellationToken);
        return [.. found.Select(record => record.Key)];
    }

    private static async Task<Response> RenewAsync(LeasingVault leasing, string id, string? increment = null)
    {
        var body = increment is null ? Body(id) : $$"""{"lease_id":"{{id}}","increment":"{{increment}}"}""";
        var outcome = await leasing.Vault.HandleAsync(Operation.Update, "sys/leases/renew", body);
        Assert.True(outcome.Succeeded, outcome.Fault is { } f ? string.Join("; ", f.Messages) : "");
        return outcome.Response!;
    }

    private static async Task<JsonElement> CountAsync(LeasingVault leasing, string? type)
    {
        var query = new Dictionary<string, string>();
        if (type is not null)
        {
            query["type"] = type;
        }

        var outcome = await leasing.Vault.HandleAsync(Operation.Read, "sys/leases/count", query: query);
        return JsonDocument.Parse(outcome.Response!.Data.ToArray()).RootElement;
    }
}
