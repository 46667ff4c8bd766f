using System.Text.Json;
using Mayfly.Core;

namespace Mayfly.Server.Startup;

/// <summary>
/// Makes a vault ready to play with: initialized, unsealed, a KV engine at <c>secret/</c>, and an audit file when it
/// keeps its data. Everything goes through the same requests that an operator would send.
/// </summary>
/// <param name="vault">The vault, which is sealed or new.</param>
/// <param name="folder">Where its data and keys are, or null when they live in memory.</param>
internal sealed class DevMode(Vault vault, string? folder)
{
    private readonly LocalCalls _calls = new(vault);

    /// <summary>Opens the vault, making it first when it is new.</summary>
    /// <param name="wantedToken">The root token that was asked for, or "" for any.</param>
    /// <param name="withKv">Mount the KV engine.</param>
    /// <param name="cancellation">Gives up starting.</param>
    /// <exception cref="StartupException">The data cannot be opened.</exception>
    public async Task<DevKeys> OpenAsync(string wantedToken, bool withKv, CancellationToken cancellation)
    {
        var keys = folder is null ? null : DevKeys.Read(folder);
        if (vault.State == VaultState.Uninitialized)
        {
            keys = await InitializeAsync(cancellation);
            Save(keys);
        }
        else if (keys is null)
        {
            throw new StartupException(
                $"the data in {folder} belong to a server that was not started with -dev; start it with -config instead"
            );
        }

        await _calls.WriteAsync("sys/unseal", json => json.WriteString("key", keys.UnsealKey), cancellation);
        if (vault.State != VaultState.Unsealed)
        {
            throw new StartupException($"the unseal key in {folder} does not open the data beside it");
        }

        _calls.Token = keys.RootToken;
        if (!keys.Furnished)
        {
            await FurnishAsync(withKv, cancellation);
            keys = keys with { Furnished = true };
            Save(keys);
        }

        return wantedToken.Length == 0 || wantedToken == keys.RootToken
            ? keys
            : await ChangeRootTokenAsync(keys, wantedToken, cancellation);
    }

    private async Task<DevKeys> InitializeAsync(CancellationToken cancellation)
    {
        var reply = await _calls.WriteAsync(
            "sys/init",
            json =>
            {
                json.WriteNumber("secret_shares", 1);
                json.WriteNumber("secret_threshold", 1);
            },
            cancellation
        );
        return new DevKeys(
            reply.GetProperty("keys_base64")[0].GetString()!,
            reply.GetProperty("root_token").GetString()!
        );
    }

    private async Task FurnishAsync(bool withKv, CancellationToken cancellation)
    {
        if (withKv && await IsMissingAsync("sys/mounts", "secret/", cancellation))
        {
            await _calls.WriteAsync("sys/mounts/secret", WriteKv, cancellation);
        }

        if (folder is not null && await IsMissingAsync("sys/audit", "file/", cancellation))
        {
            var file = Path.Combine(folder, "audit.log");
            await _calls.WriteAsync("sys/audit/file", json => WriteAudit(json, file), cancellation);
        }
    }

    private async Task<bool> IsMissingAsync(string table, string name, CancellationToken cancellation) =>
        !(await _calls.ReadAsync(table, cancellation)).TryGetProperty(name, out _);

    private static void WriteKv(Utf8JsonWriter json)
    {
        json.WriteString("type", "kv");
        json.WriteString("description", "key/value secret storage");
        json.WriteStartObject("options");
        json.WriteString("version", "2");
        json.WriteEndObject();
    }

    private static void WriteAudit(Utf8JsonWriter json, string file)
    {
        json.WriteString("type", "file");
        json.WriteStartObject("options");
        json.WriteString("file_path", file);
        json.WriteEndObject();
    }

    private async Task<DevKeys> ChangeRootTokenAsync(DevKeys keys, string wanted, CancellationToken cancellation)
    {
        if (!await ExistsAsync(wanted, cancellation))
        {
            await _calls.WriteAsync(
                "auth/token/create",
                json =>
                {
                    json.WriteString("id", wanted);
                    json.WriteStartArray("policies");
                    json.WriteStringValue("root");
                    json.WriteEndArray();
                    json.WriteString("display_name", "root");
                    json.WriteBoolean("no_parent", true);
                },
                cancellation
            );
        }

        var changed = keys with { RootToken = wanted };
        Save(changed);
        await _calls.WriteAsync("auth/token/revoke-self", _ => { }, cancellation);
        return changed;
    }

    /// <summary>A start that was interrupted may have made the token already.</summary>
    private async Task<bool> ExistsAsync(string token, CancellationToken cancellation)
    {
        try
        {
            await _calls.WriteAsync("auth/token/lookup", json => json.WriteString("token", token), cancellation);
            return true;
        }
        catch (StartupException)
        {
            return false;
        }
    }

    private void Save(DevKeys keys)
    {
        if (folder is not null)
        {
            keys.Write(folder);
        }
    }
}
