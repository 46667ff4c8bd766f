using Mayfly.Core.Audit;
using Mayfly.Core.Consumers;
using Mayfly.Core.Engines;
using Mayfly.Core.Events;
using Mayfly.Core.Identity;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;
using Mayfly.Core.Rotation;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Crypto;
using Mayfly.Tests.Audit;
using Mayfly.Tests.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Barrier = Mayfly.Core.Storage.Barrier;

namespace Mayfly.Tests.Rotation;

/// <summary>One rotation over a model of a database, with a clock, a store and mishaps of the test's choice.</summary>
internal sealed class RotationBench : IAsyncDisposable
{
    public const string ReadPath = "model/creds";

    private readonly Keyring _keyring = Keyring.Generate();
    private readonly MemoryStore _store = new();
    private readonly AuditBroker _audit;
    private readonly bool _twoUsers;
    private readonly Barrier _onlooker;
    private readonly RotationTerms _terms;

    private RotationBench(RotationTerms terms, IReadOnlyList<Mishap> mishaps, ManualTime time, AuditBroker audit)
    {
        _terms = terms;
        _twoUsers = terms.Mode == RotationMode.DualCredential;
        _audit = audit;
        Time = time;
        Trouble = new Trouble(mishaps) { Check = CheckAsync };
        _onlooker = new Barrier(_store, _keyring);
        Onlooker = new ModelRotator(Database, ViewOf(_onlooker, "engine"), new Trouble([]), _twoUsers);
        Records = new RotationRecords(ViewOf(_onlooker, "rotation"));
        Start();
    }

    public static RotationId Id { get; } = new("mount", "creds");

    public ManualTime Time { get; }

    public Trouble Trouble { get; }

    public ModelDatabase Database { get; } = new();

    public ConsumerBook Consumers { get; private set; } = null!;

    public Rotations Rotations { get; private set; } = null!;

    /// <summary>Sees what is stored, without being troubled.</summary>
    public ModelRotator Onlooker { get; }

    /// <inheritdoc cref="Onlooker"/>
    public RotationRecords Records { get; }

    public int Restarts { get; private set; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A rotation that is not due yet.</summary>
    public static async Task<RotationBench> StartAsync(RotationTerms terms, params IReadOnlyList<Mishap> mishaps)
    {
        var time = new ManualTime();
        var bench = new RotationBench(
            terms with
            {
                ReadPath = "creds",
            },
            mishaps,
            time,
            await RecordingNothing.StartAsync(time)
        );
        var batch = new Batch();
        var view = ViewOf(bench._onlooker, "rotation");
        await bench.Rotations.ForMount(Id.MountUuid).PutAsync(batch, Id.Target, bench._terms, Cancellation);
        Assert.True((await view.CommitAsync(batch, Cancellation)).Succeeded);
        return bench;
    }

    /// <summary>A new process on what the last one stored.</summary>
    public async Task RestartAsync()
    {
        Restarts++;
        await Rotations.DisposeAsync();
        Start();
        await Rotations.StartAsync(Cancellation);
        await Rotations.IdleAsync();
    }

    public async Task<RotationRecord> RecordAsync() => (await Records.GetAsync(Id, Cancellation)).Record!;

    /// <summary>Moves the clock to where something is due, and runs it; restarts what has died.</summary>
    public async Task NextAsync()
    {
        var due = (await RecordAsync()).Due();
        Assert.NotNull(due);
        if (due > Time.GetUtcNow())
        {
            Time.Advance(due.Value - Time.GetUtcNow());
        }

        await RunAsync();
    }

    /// <summary>Somebody wants a rotation now.</summary>
    public async Task<(RotationRecord? Record, Fault? Fault)> RotateAsync(string reason, bool emergency) =>
        await Rotations.RotateAsync(Id, new RotationRequest(Time.GetUtcNow(), reason, emergency), Cancellation);

    public async Task RunAsync()
    {
        await Rotations.RunAsync(Id);
        await ReviveAsync();
    }

    /// <summary>Starts a new process if this one has died.</summary>
    public async Task ReviveAsync()
    {
        if (Trouble.IsDead)
        {
            Trouble.Restart();
            await RestartAsync();
        }
    }

    /// <summary>A reader, who may say who it is.</summary>
    public async Task<string> ReadAsync(string? consumer = null)
    {
        using var request = new Request
        {
            Id = "1",
            Operation = Operation.Read,
            Path = ReadPath,
            Consumer = consumer,
        };
        var entry = new PathEntry("creds") { Help = "", Access = Access.Anyone };
        var match = new PathTable(entry).Match("creds")!;
        using var fields = FieldValues.Bind(match, request, UnknownFields.Refuse, []).Values;
        var authorized = AuthorizedRequest.Check(request, match, fields!, "creds", Reader, out _)!;
        var outcome = consumer is null
            ? await CurrentAsync(authorized, Cancellation)
            : await Consumers.ReadAsync(authorized, CurrentAsync, Cancellation);
        using var response = outcome.Response!;
        return System.Text.Json.JsonDocument.Parse(response.Data).RootElement.GetProperty("password").GetString()!;
    }

    /// <summary>What must hold at every moment.</summary>
    public async Task CheckAsync()
    {
        var secret = await Onlooker.SecretAsync();
        if (_twoUsers)
        {
            Assert.True(Database.Accepts(secret.Current), "what readers get does not work");
        }
        else
        {
            Assert.True(
                Database.Accepts(secret.Current) || (secret.Next is { } next && Database.Accepts(next)),
                "no stored credential works"
            );
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Rotations.DisposeAsync();
        await _audit.DisposeAsync();
        _onlooker.Dispose();
        _keyring.Dispose();
    }

    private async ValueTask<Outcome> CurrentAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        ModelRotator.Reply((await Onlooker.SecretAsync()).Current);

    private void Start()
    {
        var barrier = new Barrier(new TroubledStore(_store, Trouble), _keyring);
        var rotator = new ModelRotator(Database, ViewOf(barrier, "engine"), Trouble, _twoUsers);
        Consumers = new ConsumerBook(Time);
        Rotations = new Rotations(
            new RotationContext(
                new RotationRecords(ViewOf(barrier, "rotation")),
                (id, record, _) =>
                    new(new RotationTarget(rotator, "model/creds", ReadPath, EventSource.Silent, "creds")),
                Consumers,
                new RotationAudit(_audit, Sys),
                Time,
                NullLogger.Instance
            )
        );
    }

    private static Caller Reader { get; } =
        new(
            new TokenEntry
            {
                Accessor = "reader",
                Type = TokenType.Service,
                Policies = ["root"],
                Path = "auth/token/root",
                CreatedAt = DateTimeOffset.UnixEpoch,
            },
            Acl.Root
        );

    private static Mount Sys { get; } =
        new()
        {
            Uuid = "sys",
            Kind = EngineKind.Secrets,
            Path = "sys/",
            Type = "system",
            Accessor = "system_1",
        };

    private static View ViewOf(Barrier barrier, string folder) => new(barrier, StoreKey.Root.Append(folder));

    private sealed class TroubledStore(MemoryStore store, Trouble trouble) : ForwardingStore(store)
    {
        public override async ValueTask<CommitResult> CommitAsync(Batch batch, CancellationToken cancellation) =>
            await trouble.PassAsync(
                async () => await base.CommitAsync(batch, cancellation),
                () => CommitResult.Unavailable("the disk is full")
            );
    }
}
