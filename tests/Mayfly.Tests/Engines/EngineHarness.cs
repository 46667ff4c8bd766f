using System.Text;
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
using Microsoft.Extensions.Logging.Abstractions;
using Barrier = Mayfly.Core.Storage.Barrier;

namespace Mayfly.Tests.Engines;

/// <summary>One engine over a real barrier and a store in memory, called as the pipeline calls it.</summary>
public sealed class EngineHarness : IAsyncDisposable
{
    private readonly Keyring _keyring = Keyring.Generate();
    private MountMemory _memory = new();
    private readonly EngineType _type;

    private EngineHarness(
        EngineType type,
        IReadOnlyDictionary<string, string>? options,
        Func<MemoryStore, IStore>? store,
        ManualTime time,
        AuditBroker audit
    )
    {
        _type = type;
        Time = time;
        Barrier = new Barrier(store is null ? Store : store(Store), _keyring);
        Mount = new Mount
        {
            Uuid = Guid.NewGuid().ToString(),
            Kind = type.Kind,
            Path = type.Kind == EngineKind.Auth ? $"auth/{type.Name}/" : $"{type.Name}/",
            Type = type.Name,
            Accessor = $"{type.Name}_0a1b2c3d",
            Options = options ?? new Dictionary<string, string>(StringComparer.Ordinal),
        };
        View = new View(Barrier, StoreKey.Root.Append("mount").Append(Mount.Uuid));
        Rotations = new Rotations(
            new RotationContext(
                new RotationRecords(new View(Barrier, StoreKey.Root.Append("rotation"))),
                (id, _, _) => new(TargetOf(id)),
                new ConsumerBook(Time),
                new RotationAudit(audit, Mount with { Path = "sys/" }),
                Time,
                NullLogger.Instance
            )
        );
        Engine = type.Create(Context);
    }

    public MemoryStore Store { get; } = new();

    public Barrier Barrier { get; }

    public View View { get; }

    public ManualTime Time { get; }

    /// <summary>What has the engine's secrets rotated: the real thing.</summary>
    internal Rotations Rotations { get; }

    /// <summary>What the mount gives its engine.</summary>
    public MountContext Context =>
        new(Mount, View, Time, NullLogger.Instance, Passwords.Source(Barrier), Rotations.ForMount(Mount.Uuid))
        {
            Memory = _memory,
        };

    public Mount Mount { get; private set; }

    public Engine Engine { get; private set; }

    public Caller Caller { get; set; } =
        new(
            new TokenEntry
            {
                Accessor = "accessor",
                Type = TokenType.Service,
                Policies = ["root"],
                Path = "auth/token/root",
                CreatedAt = DateTimeOffset.UnixEpoch,
            },
            Acl.Root
        );

    /// <param name="type">What to start.</param>
    /// <param name="options">The mount's options.</param>
    /// <param name="store">Puts something between the barrier and the store, such as a fault.</param>
    /// <param name="now">What the clock shows first.</param>
    public static async Task<EngineHarness> StartAsync(
        EngineType type,
        IReadOnlyDictionary<string, string>? options = null,
        Func<MemoryStore, IStore>? store = null,
        DateTimeOffset? now = null
    )
    {
        var time = new ManualTime(now);
        var audit = await RecordingNothing.StartAsync(time);
        var harness = new EngineHarness(type, options, store, time, audit);
        await harness.Engine.StartAsync(TestContext.Current.CancellationToken);
        return harness;
    }

    /// <summary>Starts another engine beside the one that runs, as tuning the mount does.</summary>
    /// <returns>The old one, in which requests may still be under way. Dispose it.</returns>
    public async Task<Engine> TuneAsync()
    {
        var old = Engine;
        Engine = _type.Create(Context);
        await Engine.StartAsync(TestContext.Current.CancellationToken);
        return old;
    }

    /// <summary>Ends the engine, and starts another on what it stored, as a restart does.</summary>
    public async Task RestartAsync(IReadOnlyDictionary<string, string>? options = null)
    {
        await Engine.DisposeAsync();
        _memory = new MountMemory();
        Mount = Mount with { Options = options ?? Mount.Options };
        Engine = _type.Create(Context);
        await Engine.StartAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Runs what has come due of the engine's rotations, after the test has moved the clock.</summary>
    public async Task RunRotationsAsync()
    {
        var now = Time.GetUtcNow();
        foreach (var target in await Rotations.Records.ListAsync(Mount.Uuid, TestContext.Current.CancellationToken))
        {
            var id = new RotationId(Mount.Uuid, target);
            var (record, _) = await Rotations.Records.GetAsync(id, TestContext.Current.CancellationToken);
            if (record?.Due() <= now)
            {
                await Rotations.RunAsync(id);
            }
        }
    }

    /// <summary>Calls the path below the mount; the outcome is the test's to look at.</summary>
    public async Task<Outcome> HandleAsync(
        Operation operation,
        string path,
        string? body = null,
        IReadOnlyDictionary<string, string>? query = null,
        string? contentType = null,
        System.Net.IPAddress? remote = null
    )
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var request = new Request
        {
            Id = Guid.NewGuid().ToString(),
            Operation = operation,
            Path = Mount.Path + path,
            Body = body is null ? SecretBytes.Empty : SecretBytes.CopyOf(Encoding.UTF8.GetBytes(body)),
            Query = query ?? new Dictionary<string, string>(StringComparer.Ordinal),
            ContentType = contentType,
            RemoteAddress = remote ?? System.Net.IPAddress.Loopback,
        };
        if (Engine.Paths.Match(path) is not { } match || !match.Entry.Supports(operation))
        {
            return Fault.Unsupported();
        }

        var (fields, fault) = FieldValues.Bind(match, request, UnknownFields.Refuse, []);
        if (fault is not null)
        {
            return fault;
        }

        using (fields)
        {
            if (operation == Operation.Update && match.Entry.Exists is { } exists && !await exists(match, cancellation))
            {
                request.Operation = Operation.Create;
            }

            var authorized = AuthorizedRequest.Check(request, match, fields!, path, Caller, out _);
            return match.Entry.For(operation) is { } handler
                ? await handler(authorized!, cancellation)
                : await IssueAsync(match.Entry.Issue!, authorized!);
        }
    }

    /// <summary>An authorised request without a body, for calling what the table does not call.</summary>
    public AuthorizedRequest Authorize(Operation operation, string path)
    {
        using var request = new Request
        {
            Id = Guid.NewGuid().ToString(),
            Operation = operation,
            Path = Mount.Path + path,
            RemoteAddress = System.Net.IPAddress.Loopback,
        };
        var match = Engine.Paths.Match(path)!;
        var (fields, fault) = FieldValues.Bind(match, request, UnknownFields.Refuse, []);
        Assert.Null(fault);
        return AuthorizedRequest.Check(request, match, fields!, path, Caller, out _)!;
    }

    /// <summary>The leases that reads have been issued under, in order; revoking and renewing is the test's.</summary>
    public List<LeasedSecret> Leases { get; } = [];

    /// <summary>Has carried out what is planned, as the pipeline does, and undone after a fault.</summary>
    private async Task<Outcome> IssueAsync(Planner planner, AuthorizedRequest request)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var (plan, fault) = await planner(request, cancellation);
        if (plan is null)
        {
            return fault!;
        }

        var now = Time.GetUtcNow();
        var ends = now + (plan.Ttl > TimeSpan.Zero ? plan.Ttl : TimeSpan.FromHours(1));
        var id = $"{Mount.Path}{request.Path}/{Guid.NewGuid():N}";
        var lease = new LeasedSecret(id, request.Path, plan.Data, now, ends);
        var outcome = await plan.Act(ends, cancellation);
        if (outcome.Response is { } response)
        {
            response.LeaseId = id;
            response.LeaseDuration = ends - now;
            response.Renewable = plan.Renewable;
            lock (Leases)
            {
                Leases.Add(lease);
            }
        }
        else
        {
            Assert.Null(await ((IIssuesLeases)Engine).RevokeAsync(lease, cancellation));
        }

        return outcome;
    }

    private RotationTarget TargetOf(RotationId id) =>
        new(Engine as IRotatesSecrets ?? MissingRotator.Instance, Mount.Path + id.Target, "", EventSource.Silent, "");

    public async ValueTask DisposeAsync()
    {
        await Rotations.DisposeAsync();
        await Engine.DisposeAsync();
        await Store.DisposeAsync();
        _keyring.Dispose();
    }
}
