using System.Net;
using System.Text.Json;
using Mayfly.Core.Auth.AppRole;
using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;
using Mayfly.Tests.Engines;
using Mayfly.Tests.Storage;

namespace Mayfly.Tests.Auth;

/// <summary>AppRole as its clients see it.</summary>
internal sealed class AppRoleHarness(EngineHarness harness) : IAsyncDisposable
{
    public EngineHarness Engine => harness;

    public static async Task<AppRoleHarness> StartAsync() => new(await EngineHarness.StartAsync(AppRoleAuth.Type));

    /// <summary>Writes, and expects it to work. The reply's data, or null.</summary>
    public async Task<JsonElement?> WriteAsync(string path, string? body = null)
    {
        var outcome = await harness.HandleAsync(Operation.Update, path, body);
        Assert.True(outcome.Succeeded, string.Join(";", outcome.Fault?.Messages ?? []));
        return Data(outcome);
    }

    public async Task<Fault> FailAsync(string path, string? body = null)
    {
        var outcome = await harness.HandleAsync(Operation.Update, path, body);
        Assert.False(outcome.Succeeded);
        return outcome.Fault!;
    }

    public async Task<JsonElement> ReadAsync(string path)
    {
        var outcome = await harness.HandleAsync(Operation.Read, path);
        Assert.True(outcome.Succeeded, string.Join(";", outcome.Fault?.Messages ?? []));
        return Data(outcome)!.Value;
    }

    public async Task<string[]> ListAsync(string path)
    {
        var outcome = await harness.HandleAsync(Operation.List, path);
        return outcome.Fault?.Kind == FaultKind.NotFound
            ? []
            : [.. Data(outcome)!.Value.GetProperty("keys").EnumerateArray().Select(key => key.GetString()!)];
    }

    public async Task DeleteAsync(string path) =>
        Assert.True((await harness.HandleAsync(Operation.Delete, path)).Succeeded);

    public async Task<string> RoleIdAsync(string role) =>
        (await ReadAsync($"role/{role}/role-id")).GetProperty("role_id").GetString()!;

    public async Task<(string SecretId, string Accessor)> MakeSecretIdAsync(string role, string? body = null)
    {
        var made = (await WriteAsync($"role/{role}/secret-id", body))!.Value;
        return (made.GetProperty("secret_id").GetString()!, made.GetProperty("secret_id_accessor").GetString()!);
    }

    public Task<Outcome> LoginAsync(string? roleId, string? secretId, string? address = null) =>
        harness.HandleAsync(
            Operation.Update,
            "login",
            JsonSerializer.Serialize(new { role_id = roleId, secret_id = secretId }),
            remote: address is null ? null : IPAddress.Parse(address)
        );

    public async Task<TokenGrant> GrantAsync(string roleId, string? secretId, string? address = null)
    {
        var outcome = await LoginAsync(roleId, secretId, address);
        Assert.True(outcome.Succeeded, outcome.Fault?.Messages[0]);
        return outcome.Response!.Grant!;
    }

    /// <summary>Calls the engine for everything that is due, as the scheduler does.</summary>
    public async Task RunDueAsync()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var now = harness.Time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var due in await harness.Store.DueAsync(now, int.MaxValue, cancellation))
        {
            await harness.Engine.OnDueAsync(harness.View.PathOf(due.Key)!, cancellation);
        }
    }

    public ValueTask DisposeAsync() => harness.DisposeAsync();

    private static JsonElement? Data(Outcome outcome)
    {
        using var response = outcome.Response!;
        if (response.Data.IsEmpty)
        {
            return null;
        }

        using var document = JsonDocument.Parse(response.Data);
        return document.RootElement.Clone();
    }
}
