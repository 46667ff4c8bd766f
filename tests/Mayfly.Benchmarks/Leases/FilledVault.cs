using System.Text;
using System.Text.Json;
using Mayfly.Core;
using Mayfly.Core.Leases;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Sqlite;
using Mayfly.Crypto;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mayfly.Benchmarks.Leases;

/// <summary>A vault in this process over the embedded store, with a <see cref="NoOpEngine"/>, and a clock that can be set ahead.</summary>
internal sealed class FilledVault : IAsyncDisposable
{
    private const int PerCommit = 512;

    private readonly SqliteStore _store;

    private FilledVault(SqliteStore store, Vault vault, ShiftedTime time, string key, string root)
    {
        _store = store;
        Vault = vault;
        Time = time;
        Key = key;
        Root = root;
    }

    public Vault Vault { get; }

    public ShiftedTime Time { get; }

    public string Key { get; }

    public string Root { get; }

    public static async Task<FilledVault> StartAsync(string folder, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        var store = SqliteStore.Open(Path.Combine(folder, "data"));
        var time = new ShiftedTime();
        var vault = await Vault.LoadAsync(
            new VaultOptions { Version = "bench", Engines = [.. Catalog.Engines, NoOpEngine.Type] },
            store,
            seal: null,
            time,
            NullLoggerFactory.Instance,
            _ => null,
            cancellation
        );
        var made = await CallAsync(
            vault,
            Operation.Update,
            "sys/init",
            "",
            """{"secret_shares":1,"secret_threshold":1}""",
            cancellation
        );
        var root = made.GetProperty("root_token").GetString()!;
        var key = made.GetProperty("keys_base64")[0].GetString()!;
        await CallAsync(vault, Operation.Update, "sys/unseal", "", $$"""{"key":"{{key}}"}""", cancellation);
        var filled = new FilledVault(store, vault, time, key, root);
        await filled.CallAsync(Operation.Update, "sys/mounts/secret", """{"type":"kv-v2"}""", cancellation);
        await filled.CallAsync(Operation.Update, "sys/mounts/noop", """{"type":"noop"}""", cancellation);
        await filled.CallAsync(Operation.Update, "secret/data/s/1", """{"data":{"a":"b"}}""", cancellation);
        return filled;
    }

    /// <summary>Calls as root, and gives the data.</summary>
    public Task<JsonElement> CallAsync(Operation operation, string path, string body, CancellationToken cancellation) =>
        CallAsync(Vault, operation, path, Root, body, cancellation);

    /// <summary>
    /// Adds leases that end after <paramref name="ttl"/>, owned by one token, as issuing does, but many in one commit.
    /// </summary>
    public async Task FillAsync(int count, TimeSpan ttl, CancellationToken cancellation)
    {
        var mounts = await CallAsync(Operation.Read, "sys/mounts", "", cancellation);
        var uuid = mounts.GetProperty("noop/").GetProperty("uuid").GetString()!;
        var self = await CallAsync(Operation.Read, "auth/token/lookup-self", "", cancellation);
        var owner = self.GetProperty("accessor").GetString()!;
        var leases = Vault.Leases!.Store;
        var now = Time.GetUtcNow();
        for (var done = 0; done < count; done += PerCommit)
        {
            var batch = new Batch();
            for (var i = done; i < Math.Min(count, done + PerCommit); i++)
            {
                var below = $"creds/role-{i % 10}/{LeaseStore.NewRandomPart()}";
                var entry = new LeaseEntry
                {
                    Id = "noop/" + below,
                    Path = $"creds/role-{i % 10}",
                    Owner = owner,
                    IssuedAt = now,
                    ExpiresAt = now + ttl,
                    Ttl = ttl,
                    Renewable = true,
                    Data = "v-token-readonly-x4kcHjHsJrXUvXeW9dmq"u8.ToArray(),
                };
                leases.Add(batch, new StoredLease(LeaseStore.Record(uuid, below), entry, Version: 0));
            }

            var result = await leases.CommitAsync(batch, cancellation);
            if (!result.Succeeded)
            {
                throw new InvalidOperationException(result.Reason);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Vault.DisposeAsync();
        await _store.DisposeAsync();
    }

    /// <summary>Calls with a token; null when the token is refused.</summary>
    public static async Task<Outcome> SendAsync(
        Vault vault,
        Operation operation,
        string path,
        string token,
        string body,
        CancellationToken cancellation
    )
    {
        using var request = new Request
        {
            Id = "bench",
            Operation = operation,
            Path = path,
            Token = token,
            Body = body.Length == 0 ? SecretBytes.Empty : SecretBytes.CopyOf(Encoding.UTF8.GetBytes(body)),
        };
        return await vault.HandleAsync(request, cancellation);
    }

    private static async Task<JsonElement> CallAsync(
        Vault vault,
        Operation operation,
        string path,
        string token,
        string body,
        CancellationToken cancellation
    )
    {
        var outcome = await SendAsync(vault, operation, path, token, body, cancellation);
        if (outcome.Fault is { } fault)
        {
            throw new InvalidOperationException($"{path}: {string.Join("; ", fault.Messages)}");
        }

        using var response = outcome.Response!;
        return response.Data.IsEmpty ? default : JsonDocument.Parse(response.Data.ToArray()).RootElement;
    }
}

/// <summary>The system's clock, set ahead by some time.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private long _ahead;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Volatile.Read(ref _ahead));

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ahead, by.Ticks);
}
