using Mayfly.Core.Audit;
using Mayfly.Core.Auth.Token;
using Mayfly.Core.Consumers;
using Mayfly.Core.Engines;
using Mayfly.Core.Engines.Cubbyhole;
using Mayfly.Core.Events;
using Mayfly.Core.Identity;
using Mayfly.Core.Known;
using Mayfly.Core.Leases;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;
using Mayfly.Core.Policy.Passwords;
using Mayfly.Core.Quotas;
using Mayfly.Core.Rotation;
using Mayfly.Core.Rotation.Webhook;
using Mayfly.Core.Storage;
using Mayfly.Core.Sys;
using Mayfly.Crypto;
using Microsoft.Extensions.Logging;
using Barrier = Mayfly.Core.Storage.Barrier;

namespace Mayfly.Core;

/// <summary>
/// Everything that exists only while the keyring is open, put together in one place. Made whole at unseal, and thrown away
/// whole at seal. Safe for concurrent use.
/// </summary>
internal sealed class UnsealedVault : IAsyncDisposable
{
    /// <summary>How long sealing waits for requests that are under way.</summary>
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(5);

    private readonly TokenText _tokenText;
    private readonly Barrier _barrier;
    private readonly MountRegistry _mounts;
    private readonly PrefixRevocations _revocations;
    private readonly LeaseTable _leases;
    private readonly QuotaRules _quotas;
    private readonly DueScheduler _due;
    private readonly ClockHistory _clockHistory;
    private readonly ClockWatch _clock;
    private readonly HookCall _hookCall;
    private readonly KnownSecrets _known;
    private readonly TimeProvider _time;
    private int _requests;
    private volatile bool _closing;
    private volatile bool _closed;

    private UnsealedVault(VaultParts parts, Keyring keyring, Barrier barrier, AuditBroker audit)
    {
        _time = parts.Time;
        _barrier = barrier;
        Audit = audit;
        Events = new EventBus(
            parts.Options.Events,
            $"mayfly://{Uri.EscapeDataString(parts.Options.ClusterName)}",
            parts.Time
        );
        _tokenText = new TokenText(keyring);
        _revocations = new PrefixRevocations(ViewAt("revoked-prefix"), parts.Options, parts.Time);
        _clockHistory = new ClockHistory(ViewAt("clock"), parts.Time);
        var tokens = new TokenStore(ViewAt("token"), _tokenText, _revocations, parts.Time, _clockHistory);
        Issuer = new TokenIssuer(tokens, parts.Options, parts.Time);
        var policies = new PolicyStore(ViewAt("policy"));
        var authentication = new Authentication(tokens, policies);
        var passwords = new PasswordPolicyStore(ViewAt("password-policy"));
        _mounts = new MountRegistry(
            _barrier,
            ViewAt("mounts"),
            passwords.GenerateAsync,
            parts.Options,
            uuid => Rotations!.ForMount(uuid),
            Events,
            parts.Time,
            parts.Logs
        );
        _leases = new LeaseTable(
            new LeaseStore(ViewAt("lease"), ViewAt("lease-owner")),
            _mounts,
            tokens,
            _revocations,
            parts.Options,
            parts.Time,
            parts.Logs.CreateLogger("mayfly.leases")
        );
        tokens.Revoker.Ended = TokenEndedAsync;
        _mounts.Leaving = _leases.MountLeavesAsync;
        var consumers = new ConsumerBook(parts.Time);
        var admission = new LeaseAdmission(() => _mounts.Table);
        _quotas = new QuotaRules(
            ViewAt("quota"),
            parts.Store,
            [admission.Tokens(tokens.View), admission.Leases(_leases.View)],
            parts.Time,
            parts.Logs.CreateLogger("mayfly.quotas")
        );
        admission.Quotas = _quotas;
        tokens.Admit = admission.AdmitAsync;
        _leases.Issuer.Admit = admission.AdmitAsync;
        _mounts.Ended = _quotas.MountEndedAsync;
        Pipeline = new RequestPipeline(
            _mounts,
            authentication,
            Issuer,
            _leases.Issuer,
            Audit,
            consumers,
            _quotas,
            admission,
            parts.Options,
            parts.Time
        );
        var sys = BuiltInMount(
            keyring,
            EngineKind.Secrets,
            "sys/",
            "system",
            "system endpoints used for control, policy and debugging"
        );
        _hookCall = new HookCall(parts.Options, parts.Time);
        Rotations = MakeRotations(parts, sys, consumers, out var rotationPaths);
        _known = new KnownSecrets(parts.Store, _mounts, keyring, parts.Time);
        BuiltIn = MakeBuiltIn(parts, keyring, sys, authentication, policies, passwords, rotationPaths);
        _clock = new ClockWatch(
            parts.Time,
            parts.Logs.CreateLogger("mayfly.clock"),
            tokens.Revoker.LookAtClockAsync,
            Rotations.LookAtClockAsync
        );
        var expiryLog = parts.Logs.CreateLogger("mayfly.expiry");
        var owners = new DueOwners(tokens, _leases, _revocations, _mounts, Rotations, expiryLog);
        _due = new DueScheduler(parts.Store, parts.Time, expiryLog, owners.HandleAsync);
    }

    /// <summary>The keys are gone; whoever is still at work meets exceptions.</summary>
    public bool Closed => _closed;

    public RequestPipeline Pipeline { get; }

    public TokenIssuer Issuer { get; }

    public AuditBroker Audit { get; }

    public DueScheduler Due => _due;

    public LeaseTable Leases => _leases;

    public Rotations Rotations { get; }

    public EventBus Events { get; }

    public ClockWatch Clock => _clock;

    private IReadOnlyList<MountedEngine> BuiltIn { get; }

    /// <summary>Loads mounts and audit devices, and begins to watch what comes due.</summary>
    public static async ValueTask<UnsealedVault> StartAsync(
        VaultParts parts,
        Keyring keyring,
        CancellationToken cancellation
    )
    {
        var barrier = new Barrier(parts.Store, keyring);
        var audit = await AuditBroker.StartAsync(
            new View(barrier, StoreKey.Root.Append("audit")),
            keyring.DeriveKey,
            parts.Time,
            parts.Logs.CreateLogger("mayfly.audit"),
            cancellation
        );
        var vault = new UnsealedVault(parts, keyring, barrier, audit);
        try
        {
            await vault._clockHistory.LoadAsync(cancellation);
            // If it cannot be written now, the first token tries again.
            _ = await vault._clockHistory.CoverAsync(cancellation);
            await vault._revocations.LoadAsync(cancellation);
            await vault._quotas.LoadAsync(cancellation);
            await vault._mounts.StartAsync(vault.BuiltIn, cancellation);
            await vault._leases.StartAsync(cancellation);
            await vault.Rotations.StartAsync(cancellation);
            await vault._quotas.StartAsync();
            vault._due.Start();
            vault._clock.Start();
            return vault;
        }
        catch
        {
            await vault.DisposeAsync();
            throw;
        }
    }

    /// <summary>Mints the first root token of a new vault, before anything runs.</summary>
    public static async ValueTask<(string? RootToken, Fault? Fault)> BootstrapAsync(
        VaultParts parts,
        Keyring keyring,
        CancellationToken cancellation
    )
    {
        using var text = new TokenText(keyring);
        using var barrier = new Barrier(parts.Store, keyring);
        var view = new View(barrier, StoreKey.Root.Append("token"));
        using var revocations = new PrefixRevocations(
            new View(barrier, StoreKey.Root.Append("revoked-prefix")),
            parts.Options,
            parts.Time
        );
        using var clock = new ClockHistory(new View(barrier, StoreKey.Root.Append("clock")), parts.Time);
        var tokens = new TokenStore(view, text, revocations, parts.Time, clock);
        var issuer = new TokenIssuer(tokens, parts.Options, parts.Time);
        var (issued, fault) = await issuer.RootAsync(text: null, cancellation);
        return (issued?.Token, fault);
    }

    /// <summary>Counts a request in, unless the vault is closing. <see cref="Exit"/> counts it out.</summary>
    public bool TryEnter()
    {
        Interlocked.Increment(ref _requests);
        if (!_closing)
        {
            return true;
        }

        Exit();
        return false;
    }

    public void Exit() => Interlocked.Decrement(ref _requests);

    /// <summary>Waits for requests under way (but for the <paramref name="own"/> that asked for it), and stops everything.</summary>
    public async ValueTask CloseAsync(int own, CancellationToken cancellation)
    {
        _closing = true;
        Events.Close();
        var start = _time.GetTimestamp();
        while (Volatile.Read(ref _requests) > own && _time.GetElapsedTime(start) < DrainLimit)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), cancellation)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _closing = true;
        _closed = true;
        Events.Dispose();
        await _clock.DisposeAsync();
        await _due.DisposeAsync();
        await Rotations.DisposeAsync();
        await _known.DisposeAsync();
        await _quotas.DisposeAsync();
        _hookCall.Dispose();
        await _mounts.DisposeAsync();
        await Audit.DisposeAsync();
        _leases.Dispose();
        _revocations.Dispose();
        _clockHistory.Dispose();
        _tokenText.Dispose();
        _barrier.Dispose();
    }

    /// <summary>Carries out what a rotation does to other secrets.</summary>
    private ValueTask<Outcome> AsRotation(Request request, CancellationToken cancellation) =>
        Pipeline.HandleAsync(request, RotationAudit.Server, cancellation);

    private View ViewAt(string folder) => new(_barrier, StoreKey.Root.Append(folder));

    private Rotations MakeRotations(
        VaultParts parts,
        Mount sys,
        ConsumerBook consumers,
        out IEnumerable<PathEntry> paths
    )
    {
        var log = parts.Logs.CreateLogger("mayfly.rotation");
        var records = new RotationRecords(ViewAt("rotation"));
        var hooks = new HookRecords(ViewAt("rotation-hook"));
        var names = new RotationNames(records, _mounts);
        var webhook = new WebhookRotator(hooks, records, _mounts, AsRotation, _hookCall, parts.Time, log);
        var targets = new RotationTargets(_mounts, webhook, Events);
        var audit = new RotationAudit(Audit, sys);
        var rotations = new Rotations(
            new RotationContext(records, targets.FindAsync, consumers, audit, parts.Time, log)
        );
        paths =
        [
            .. new RotationPaths(rotations, names).Entries,
            .. new RotationConfigPaths(rotations, names, hooks, webhook, _mounts, AsRotation).Entries,
            .. new RotationHookPaths(hooks, parts.Time).Entries,
            .. new ConsumerPaths(rotations).Entries,
        ];
        return rotations;
    }

    /// <summary>The mounts that every vault has: <c>sys/</c>, <c>auth/token/</c> and <c>cubbyhole/</c>.</summary>
    private List<MountedEngine> MakeBuiltIn(
        VaultParts parts,
        Keyring keyring,
        Mount sys,
        Authentication authentication,
        PolicyStore policies,
        PasswordPolicyStore passwords,
        IEnumerable<PathEntry> rotationPaths
    )
    {
        var token = BuiltInMount(keyring, EngineKind.Auth, "auth/token/", "token", "token based credentials");
        var cubbyhole = BuiltInMount(
            keyring,
            EngineKind.Secrets,
            "cubbyhole/",
            "cubbyhole",
            "per-token private secret storage"
        );
        var renewal = new TokenRenewal(Issuer, _mounts);
        var leases = new LeasePaths(
            _leases,
            (entry, increment, cancellation) => renewal.RenewAsync(entry, text: "", increment, cancellation),
            parts.Time
        );
        return
        [
            new(
                sys,
                new SysEngine([
                    .. parts.SealPaths,
                    .. new MountPaths(_mounts, parts.Options, Events.SourceOf(sys)).Entries,
                    .. new PolicyPaths(policies, Events.SourceOf(sys)).Entries,
                    .. new PasswordPolicyPaths(passwords).Entries,
                    .. new CapabilitiesPaths(authentication.FindAsync, authentication.FindByAccessorAsync).Entries,
                    .. new AuditPaths(Audit).Entries,
                    .. new QuotaPaths(_quotas, _mounts).Entries,
                    .. new LockedUserPaths(_mounts).Entries,
                    .. new WrappingPaths(Issuer).Entries,
                    .. leases.Entries,
                    .. new ToolPaths().Entries,
                    .. new KnownPaths(_known, new KnownBudget(parts.Time)).Entries,
                    .. new InternalPaths(_mounts, parts.Options).Entries,
                    .. rotationPaths,
                    .. new EventPaths(Events, authentication, TryEnter, Exit).Entries,
                ])
            ),
            new(token, new TokenEngine(_mounts.ContextOf(token), Issuer, authentication, renewal)),
            new(cubbyhole, CubbyholeEngine.Type.Create(_mounts.ContextOf(cubbyhole))),
        ];
    }

    /// <summary>Accessors of the server's own mounts differ between vaults, and stay the same within one.</summary>
    private static Mount BuiltInMount(Keyring keyring, EngineKind kind, string path, string type, string description)
    {
        using var key = keyring.DeriveKey($"mount-accessor:{path}");
        var suffix = Convert.ToHexStringLower(key.Span[..4]);
        return new Mount
        {
            Uuid = path.Replace('/', '-') + "built-in",
            Kind = kind,
            Path = path,
            Type = type,
            Accessor = $"{(kind == EngineKind.Auth ? "auth_" : "")}{type}_{suffix}",
            Description = description,
            Local = type == "cubbyhole",
        };
    }

    private async ValueTask TokenEndedAsync(string accessor, CancellationToken cancellation)
    {
        // The token is dead already: its streams end before anything else that takes longer.
        if (Events.IsHeard)
        {
            Events.LookAgain();
        }

        await _leases.Revoker.OwnerEndedAsync(accessor, cancellation);
        await _mounts.TokenEndedAsync(accessor, cancellation);
    }
}

/// <summary>What an unsealed vault is made from; lives as long as the server.</summary>
internal sealed record VaultParts(
    VaultOptions Options,
    IStore Store,
    TimeProvider Time,
    ILoggerFactory Logs,
    IReadOnlyList<PathEntry> SealPaths
);
