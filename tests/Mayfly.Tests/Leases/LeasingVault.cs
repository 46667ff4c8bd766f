using System.Text.Json;
using Mayfly.Core;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Tests.Engines;

namespace Mayfly.Tests.Leases;

/// <summary>A vault with a <see cref="LeasingEngine"/> at <c>leasing/</c>.</summary>
internal sealed class LeasingVault : IAsyncDisposable
{
    private static readonly StoreKey Leases = StoreKey.Root.Append("lease");
    private static readonly StoreKey Owners = StoreKey.Root.Append("lease-owner");

    private LeasingVault(TestVault vault, LeasedThings things)
    {
        Vault = vault;
        Things = things;
    }

    public TestVault Vault { get; }

    public LeasedThings Things { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<LeasingVault> StartAsync()
    {
        var things = new LeasedThings();
        var leasing = new LeasingVault(await TestVault.StartAsync(OptionsOver(things)), things);
        await leasing.Vault.DataAsync(Operation.Update, "sys/mounts/leasing", """{"type":"leasing"}""");
        return leasing;
    }

    /// <summary>Reads a credential, as root or with <paramref name="token"/>.</summary>
    public async Task<IssuedName> IssueAsync(string query = "", string? token = null, string path = "leasing/creds/app")
    {
        var fields = query
            .Split('&', StringSplitOptions.RemoveEmptyEntries)
            .Select(field => field.Split('='))
            .ToDictionary(parts => parts[0], parts => parts[1], StringComparer.Ordinal);
        var outcome = await Vault.HandleAsync(Operation.Read, path, token: token, query: fields);
        Assert.True(outcome.Succeeded, outcome.Fault is { } f ? string.Join("; ", f.Messages) : "");
        using var response = outcome.Response!;
        using var data = JsonDocument.Parse(response.Data);
        return new IssuedName(
            response.LeaseId,
            response.LeaseDuration,
            response.Renewable,
            data.RootElement.GetProperty("name").GetString()!,
            response.Warnings
        );
    }

    /// <summary>Another vault on the same store, unsealed, as after a crash of this one. What is due is done.</summary>
    public async Task<Vault> RestartAsync()
    {
        var again = await TestVault.LoadAsync(Vault.Store, Vault.Time, OptionsOver(Things));
        var (fault, _) = await TestVault.CallAsync(
            again,
            Operation.Update,
            "sys/unseal",
            token: null,
            $$"""{"key":"{{Vault.Shares[0]}}"}"""
        );
        Assert.Null(fault);
        await again.RunDueAsync(Cancellation);
        return again;
    }

    /// <summary>Holds that no lease, intent or line of an owner is left.</summary>
    public async Task HasNothingStoredAsync()
    {
        Assert.Equal(0, await Vault.Store.CountAsync(Leases, Cancellation));
        Assert.Equal(0, await Vault.Store.CountAsync(Owners, Cancellation));
    }

    public ValueTask DisposeAsync() => Vault.DisposeAsync();

    private static VaultOptions OptionsOver(LeasedThings things) =>
        new() { Version = "1.17.0+mayfly.test", Engines = [.. Catalog.Engines, LeasingEngine.TypeOver(things)] };
}

/// <summary>What a read of a credential replied.</summary>
internal sealed record IssuedName(
    string LeaseId,
    TimeSpan LeaseDuration,
    bool Renewable,
    string Name,
    IReadOnlyList<string> Warnings
);
