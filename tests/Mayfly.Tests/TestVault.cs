using System.Net;
using System.Text;
using System.Text.Json;
using Mayfly.Core;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Crypto;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mayfly.Tests;

/// <summary>A whole vault in this process, unsealed, over a store in memory and a clock that the test moves.</summary>
public sealed class TestVault : IAsyncDisposable
{
    private TestVault(Vault vault, IStore store, ManualTime time, string rootToken, IReadOnlyList<string> shares)
    {
        Vault = vault;
        Store = store;
        Time = time;
        RootToken = rootToken;
        Shares = shares;
    }

    public Vault Vault { get; }

    public IStore Store { get; }

    public ManualTime Time { get; }

    public string RootToken { get; }

    /// <summary>The unseal keys: one is enough.</summary>
    public IReadOnlyList<string> Shares { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<TestVault> StartAsync(VaultOptions? options = null, IStore? store = null)
    {
        var time = new ManualTime();
        store ??= new MemoryStore();
        var vault = await LoadAsync(store, time, options);
        var (status, init) = await CallAsync(
            vault,
            Operation.Update,
            "sys/init",
            token: null,
            """{"secret_shares":1,"secret_threshold":1}"""
        );
        Assert.Null(status);
        var share = init!.Value.GetProperty("keys_base64")[0].GetString()!;
        var test = new TestVault(vault, store, time, init.Value.GetProperty("root_token").GetString()!, [share]);
        await test.UnsealAsync();
        return test;
    }

    public static Task<Vault> LoadAsync(IStore store, ManualTime time, VaultOptions? options = null) =>
        Vault.LoadAsync(
            options ?? new VaultOptions { Version = "1.17.0+mayfly.test" },
            store,
            seal: null,
            time,
            NullLoggerFactory.Instance,
            _ => null,
            Cancellation
        );

    public async Task UnsealAsync()
    {
        var (fault, _) = await CallAsync(Vault, Operation.Update, "sys/unseal", null, $$"""{"key":"{{Shares[0]}}"}""");
        Assert.Null(fault);
        Assert.False(Vault.Status.Sealed);
    }

    /// <summary>Calls as root; the outcome is the caller's to look at and dispose.</summary>
    public Task<Outcome> HandleAsync(
        Operation operation,
        string path,
        string? body = null,
        string? token = null,
        TimeSpan? wrapTtl = null,
        IPAddress? remote = null,
        string? contentType = null,
        IReadOnlyDictionary<string, string>? query = null
    ) => HandleAsync(Vault, operation, path, body, token ?? RootToken, wrapTtl, remote, contentType, query);

    /// <summary>Calls, expects success, and gives the data (or the members of <c>auth</c> are in the response).</summary>
    public async Task<JsonElement> DataAsync(
        Operation operation,
        string path,
        string? body = null,
        string? token = null
    )
    {
        var outcome = await HandleAsync(operation, path, body, token);
        Assert.True(outcome.Succeeded, outcome.Fault is { } f ? $"{f.Kind}: {string.Join("; ", f.Messages)}" : "");
        using var response = outcome.Response!;
        return response.Data.IsEmpty ? default : JsonDocument.Parse(response.Data.ToArray()).RootElement;
    }

    /// <summary>Calls, expects a failure of that kind, and gives its first message.</summary>
    public async Task<string> FaultAsync(
        FaultKind kind,
        Operation operation,
        string path,
        string? body = null,
        string? token = null,
        IPAddress? remote = null
    )
    {
        var outcome = await HandleAsync(operation, path, body, token, remote: remote);
        Assert.NotNull(outcome.Fault);
        Assert.Equal(kind, outcome.Fault.Kind);
        return outcome.Fault.Messages.Count == 0 ? "" : outcome.Fault.Messages[0];
    }

    /// <summary>Makes a token as root, and gives its text.</summary>
    public async Task<string> TokenAsync(string body, string? parent = null)
    {
        var outcome = await HandleAsync(Operation.Update, "auth/token/create", body, parent);
        Assert.True(outcome.Succeeded, outcome.Fault is { } f ? string.Join("; ", f.Messages) : "");
        return outcome.Response!.Auth!.Token;
    }

    /// <summary>A token whose one policy is <paramref name="hcl"/>.</summary>
    public async Task<string> TokenWithPolicyAsync(string name, string hcl, string more = "")
    {
        await DataAsync(
            Operation.Update,
            $"sys/policies/acl/{name}",
            JsonSerializer.Serialize(new Dictionary<string, string> { ["policy"] = hcl })
        );
        return await TokenAsync($$"""{"policies":["{{name}}"]{{more}}}""");
    }

    /// <summary>Moves the clock and handles what has come due.</summary>
    public async Task AdvanceAsync(TimeSpan by)
    {
        Time.Leap(by);
        await Vault.RunDueAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await Vault.DisposeAsync();
        await Store.DisposeAsync();
    }

    internal static async Task<(Fault? Fault, JsonElement? Data)> CallAsync(
        Vault vault,
        Operation operation,
        string path,
        string? token,
        string? body
    )
    {
        var outcome = await HandleAsync(vault, operation, path, body, token);
        using var response = outcome.Response;
        return (
            outcome.Fault,
            response is null || response.Data.IsEmpty ? null : JsonDocument.Parse(response.Data.ToArray()).RootElement
        );
    }

    private static async Task<Outcome> HandleAsync(
        Vault vault,
        Operation operation,
        string path,
        string? body,
        string? token,
        TimeSpan? wrapTtl = null,
        IPAddress? remote = null,
        string? contentType = null,
        IReadOnlyDictionary<string, string>? query = null
    )
    {
        using var request = new Request
        {
            Id = Guid.NewGuid().ToString(),
            Operation = operation,
            Path = path,
            Token = token,
            Body = body is null ? SecretBytes.Empty : SecretBytes.CopyOf(Encoding.UTF8.GetBytes(body)),
            WrapTtl = wrapTtl,
            RemoteAddress = remote ?? IPAddress.Loopback,
            ContentType = contentType,
            Query = query ?? new Dictionary<string, string>(StringComparer.Ordinal),
        };
        var outcome = await vault.HandleAsync(request, Cancellation);
        if (outcome.Response?.Settle is { } settle)
        {
            await settle(true);
        }

        return outcome;
    }
}
