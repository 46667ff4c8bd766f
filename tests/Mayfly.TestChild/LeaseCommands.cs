using System.Text;
using Mayfly.Core;
using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage.Sqlite;
using Mayfly.Crypto;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mayfly.TestChild;

/// <summary>
/// A vault whose credentials are files in a folder, so that they outlive the process as roles of a database do. It kills itself
/// at a step, with what the test did not foresee undone.
/// </summary>
internal static class LeaseCommands
{
    /// <summary>Makes a vault, and prints its key and its token.</summary>
    public static async Task<int> PrepareAsync(string folder)
    {
        await using var store = SqliteStore.Open(Path.Combine(folder, "data"));
        await using var vault = await LoadAsync(store, new FileEngine(folder, dieAt: ""));
        var init = await CallAsync(vault, "sys/init", "", """{"secret_shares":1,"secret_threshold":1}""");
        var text = Encoding.UTF8.GetString(init.Response!.Data.Span);
        using var json = System.Text.Json.JsonDocument.Parse(text);
        var key = json.RootElement.GetProperty("keys_base64")[0].GetString()!;
        var token = json.RootElement.GetProperty("root_token").GetString()!;
        await CallAsync(vault, "sys/unseal", "", $$"""{"key":"{{key}}"}""");
        await CallAsync(vault, "sys/mounts/files", token, """{"type":"files"}""");
        Console.WriteLine(key);
        Console.WriteLine(token);
        return 0;
    }

    /// <summary>Issues one credential, and dies at <paramref name="dieAt"/>.</summary>
    public static async Task<int> IssueAsync(string folder, string key, string token, string dieAt)
    {
        var engine = new FileEngine(folder, dieAt);
        var store = SqliteStore.Open(Path.Combine(folder, "data"));
        var vault = await LoadAsync(store, engine);
        await CallAsync(vault, "sys/unseal", "", $$"""{"key":"{{key}}"}""");
        using var request = new Request
        {
            Id = "child",
            Operation = Operation.Read,
            Path = "files/creds/a",
            Token = token,
        };
        var outcome = await vault.HandleAsync(request, CancellationToken.None);
        engine.DieAt("answered");
        await outcome.Response!.Settle!(true);
        engine.DieAt("settled");
        return 3;
    }

    /// <summary>Opens the vault, lets it finish what a crash has left, and prints how many leases there are.</summary>
    public static async Task<int> RecoverAsync(string folder, string key, string token)
    {
        await using var store = SqliteStore.Open(Path.Combine(folder, "data"));
        await using var vault = await LoadAsync(store, new FileEngine(folder, dieAt: ""));
        await CallAsync(vault, "sys/unseal", "", $$"""{"key":"{{key}}"}""");
        await vault.RunDueAsync(CancellationToken.None);
        Console.WriteLine(await CountAsync(vault, token));
        return 0;
    }

    private static async Task<long> CountAsync(Vault vault, string token)
    {
        using var request = new Request
        {
            Id = "child",
            Operation = Operation.Read,
            Path = "sys/leases/count",
            Token = token,
        };
        var outcome = await vault.HandleAsync(request, CancellationToken.None);
        using var json = System.Text.Json.JsonDocument.Parse(outcome.Response!.Data);
        return json.RootElement.GetProperty("lease_count").GetInt64();
    }

    private static Task<Vault> LoadAsync(SqliteStore store, FileEngine engine) =>
        Vault.LoadAsync(
            new VaultOptions
            {
                Version = "child",
                Engines = [.. Catalog.Engines, new("files", EngineKind.Secrets, "Files.", _ => engine)],
            },
            store,
            seal: null,
            TimeProvider.System,
            NullLoggerFactory.Instance,
            _ => null,
            CancellationToken.None
        );

    private static async Task<Outcome> CallAsync(Vault vault, string path, string token, string body)
    {
        using var request = new Request
        {
            Id = "child",
            Operation = Operation.Update,
            Path = path,
            Token = token,
            Body = SecretBytes.CopyOf(Encoding.UTF8.GetBytes(body)),
        };
        return await vault.HandleAsync(request, CancellationToken.None);
    }

    private sealed class FileEngine : Engine, IIssuesLeases
    {
        private readonly string _folder;
        private readonly string _dieAt;

        public FileEngine(string folder, string dieAt)
        {
            _folder = folder;
            _dieAt = dieAt;
            Paths = new PathTable(
                new PathEntry("creds/{role}")
                {
                    Help = "Makes a file.",
                    Fields = [new FieldSpec("role", FieldType.String, "Any.")],
                    Issue = (_, _) => new((Plan(), null)),
                }
            );
        }

        public override PathTable Paths { get; }

        public ValueTask<Fault?> RenewAsync(LeasedSecret lease, CancellationToken cancellation) => new((Fault?)null);

        public ValueTask<Fault?> RevokeAsync(LeasedSecret lease, CancellationToken cancellation)
        {
            DieAt("revoking");
            File.Delete(Path.Combine(_folder, Encoding.UTF8.GetString(lease.Data.Span)));
            DieAt("revoked");
            return new((Fault?)null);
        }

        public void DieAt(string step)
        {
            if (step == _dieAt)
            {
                Console.Out.Flush();
                System.Diagnostics.Process.GetCurrentProcess().Kill();
                using var never = new ManualResetEventSlim();
                never.Wait(TimeSpan.FromMinutes(1));
            }
        }

        private LeasePlan Plan()
        {
            var name = $"cred-{Guid.NewGuid():N}";
            return new LeasePlan
            {
                Ttl = TimeSpan.FromHours(1),
                MaxTtl = TimeSpan.Zero,
                Data = Encoding.UTF8.GetBytes(name),
                Act = (_, _) =>
                {
                    DieAt("planned");
                    File.WriteAllText(Path.Combine(_folder, name), "");
                    DieAt("made");
                    return _dieAt is "revoking" or "revoked"
                        ? new(Fault.Invalid("half-way"))
                        : new(Response.Object(writer => writer.WriteString("name", name)));
                },
            };
        }
    }
}
