using System.Text;
using System.Text.Json;
using Mayfly.Core.Audit;
using Mayfly.Core.Engines;
using Mayfly.Core.Identity;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Crypto;
using Mayfly.Crypto.Audit;
using Barrier = Mayfly.Core.Storage.Barrier;

namespace Mayfly.Tests.Audit;

/// <summary>An audit over a real barrier, with files in a folder of its own.</summary>
internal sealed class AuditHarness : IAsyncDisposable
{
    public const string Token = "hvs.CANARYtokenCANARYtoken";

    public static readonly Mount Mount = new()
    {
        Uuid = "11111111-2222-3333-4444-555555555555",
        Kind = EngineKind.Secrets,
        Path = "secret/",
        Type = "kv",
        Accessor = "kv_1a2b3c4d",
        Tuning = new MountTuning { AuditNonHmacRequestKeys = ["comment"], AuditNonHmacResponseKeys = ["shown"] },
    };

    private readonly Keyring _keyring = Keyring.Generate();
    private readonly View _view;

    private AuditHarness()
    {
        Folder = Directory.CreateTempSubdirectory("mayfly-audit-").FullName;
        _view = new View(new Barrier(Store, _keyring), StoreKey.Root.Append("audit"));
    }

    public string Folder { get; }

    public string LogPath => Path.Combine(Folder, "audit.log");

    public MemoryStore Store { get; } = new();

    public ManualTime Time { get; } = new();

    public LogLines Log { get; } = new();

    public AuditBroker Broker { get; private set; } = null!;

    public Caller Caller { get; } =
        new(
            new TokenEntry
            {
                Accessor = "CANARYaccessor",
                Type = TokenType.Service,
                Policies = ["default", "reader"],
                Path = "auth/userpass/login/alice",
                DisplayName = "userpass-alice",
                CreatedAt = DateTimeOffset.UnixEpoch,
                CreationTtl = TimeSpan.FromHours(1),
                Metadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["username"] = "alice" },
            },
            Acl.Root
        );

    public static async Task<AuditHarness> StartAsync()
    {
        var harness = new AuditHarness();
        await harness.UnsealAsync();
        return harness;
    }

    public async Task UnsealAsync() =>
        Broker = await AuditBroker.StartAsync(
            _view,
            _keyring.DeriveKey,
            Time,
            Log,
            TestContext.Current.CancellationToken
        );

    public async Task RestartAsync()
    {
        await Broker.DisposeAsync();
        await UnsealAsync();
    }

    /// <summary>
    /// Ends as SIGKILL does: nothing is closed, the store remembers what it remembered, and the log is
    /// <paramref name="cut"/> bytes shorter than what had been written.
    /// </summary>
    public async Task KillAsync(int cut = 0)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var uuid = Broker.Devices[0].Record.Uuid;
        var length = new FileInfo(LogPath).Length - cut;
        using var position = await _view.GetAsync("positions/" + uuid, cancellation);
        await Broker.DisposeAsync();
        if (position is null)
        {
            await _view.DeleteAsync("positions/" + uuid, cancellation);
        }
        else
        {
            await _view.PutAsync("positions/" + uuid, position.Value.Span, cancellation);
        }

        Truncate(length);
        await UnsealAsync();
    }

    public void Truncate(long length)
    {
        using var file = new FileStream(LogPath, FileMode.Open, FileAccess.Write);
        file.SetLength(length);
    }

    /// <summary>Verifies the log as somebody does who has the server's public key.</summary>
    public async Task<AuditReport> VerifyAsync(string? path = null, AuditLink? previous = null) =>
        await AuditVerifier.VerifyFileAsync(
            path ?? LogPath,
            new AuditVerifyOptions
            {
                PublicKey = Broker.SigningKey.Key.ExportSubjectPublicKeyInfo(),
                Previous = previous,
            },
            TestContext.Current.CancellationToken
        );

    /// <summary>Waits for what another thread does with a real device.</summary>
    public static async Task EventuallyAsync(Func<bool> condition, string what)
    {
        for (var i = 0; i < 1_000; i++)
        {
            if (condition())
            {
                return;
            }

            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.Fail($"did not happen: {what}");
    }

    public async Task<Fault?> EnableAsync(string path, string type, params (string Key, string Value)[] options) =>
        await Broker.EnableAsync(
            new AuditDeviceRecord
            {
                Uuid = Guid.NewGuid().ToString(),
                Path = path,
                Type = type,
                Options = options.ToDictionary(o => o.Key, o => o.Value, StringComparer.Ordinal),
            },
            TestContext.Current.CancellationToken
        );

    public async Task EnableFileAsync(params (string Key, string Value)[] options) =>
        Assert.Null(await EnableAsync("file/", "file", [("file_path", LogPath), .. options]));

    public static Request NewRequest(Operation operation, string path, string? body = null, string? token = Token) =>
        new()
        {
            Id = Guid.NewGuid().ToString(),
            Operation = operation,
            Path = path,
            Token = token,
            Body = body is null ? SecretBytes.Empty : SecretBytes.CopyOf(Encoding.UTF8.GetBytes(body)),
            RemotePort = 4711,
        };

    /// <summary>What the pipeline does with a request that reads.</summary>
    public async Task<Fault?> ReadAsync(
        string path = "secret/data/app",
        string response = """{"data":{"a":"CANARYread"}}"""
    )
    {
        using var request = NewRequest(Operation.Read, path);
        var ticket = Broker.Begin(new AuditSubject(request, Mount, Caller, new AclDecision(true, false, ["reader"])));
        return await ticket.RecordResponseAsync(new Response(Encoding.UTF8.GetBytes(response)));
    }

    /// <summary>What the pipeline does with a request that writes.</summary>
    public async Task<Fault?> WriteAsync(string body)
    {
        using var request = NewRequest(Operation.Update, "secret/data/app", body);
        var ticket = Broker.Begin(new AuditSubject(request, Mount, Caller, new AclDecision(true, false, ["reader"])));
        return await ticket.RecordRequestAsync() ?? await ticket.RecordResponseAsync(Outcome.Done);
    }

    public List<JsonElement> Entries(string? path = null) =>
        [
            .. File.ReadLines(path ?? LogPath)
                .Select(line => JsonDocument.Parse(line).RootElement)
                .Where(line => line.GetProperty("type").GetString() != "checkpoint"),
        ];

    public async ValueTask DisposeAsync()
    {
        await Broker.DisposeAsync();
        await Store.DisposeAsync();
        _keyring.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
