using Mayfly.Core.Identity;
using Mayfly.Core.Leases;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Seal;
using Mayfly.Core.Storage;
using Mayfly.Core.Sys;
using Mayfly.Crypto;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core;

/// <summary>
/// The vault: takes requests from every dialect, and answers them when it is unsealed. Safe for concurrent use.
/// </summary>
public sealed class Vault : IAsyncDisposable
{
    private readonly IStore _store;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _logs;
    private readonly ILogger _log;
    private Custody _custody = null!;
    private VaultParts _parts = null!;
    private PathTable _sealedPaths = null!;
    private volatile UnsealedVault? _open;

    private Vault(VaultOptions options, IStore store, TimeProvider time, ILoggerFactory logs)
    {
        Options = options;
        _store = store;
        _time = time;
        _logs = logs;
        _log = logs.CreateLogger("mayfly.vault");
    }

    public VaultOptions Options { get; }

    /// <summary>Whether it is initialized and sealed, and how far unsealing has come.</summary>
    public SealStatus Status => _custody.Status;

    public VaultState State =>
        Status switch
        {
            { Initialized: false } => VaultState.Uninitialized,
            { Sealed: true } => VaultState.Sealed,
            _ => VaultState.Unsealed,
        };

    /// <summary>Initializing and unsealing, for a server that does so by itself.</summary>
    public Custody Custody => _custody;

    /// <summary>Reads what the store says of the vault; it is sealed (or not initialized) afterwards.</summary>
    /// <param name="options">What the operator set.</param>
    /// <param name="store">Where everything is. Stays the caller's.</param>
    /// <param name="seal">The automatic seal, which becomes the vault's; null for Shamir's.</param>
    /// <param name="time">All time comes from here.</param>
    /// <param name="logs">For the operator; never told a secret.</param>
    /// <param name="metrics">Gives the metrics in a format; null for a format that there is not.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="StoreCorruptException">The seal's record is damaged.</exception>
    public static async Task<Vault> LoadAsync(
        VaultOptions options,
        IStore store,
        ISeal? seal,
        TimeProvider time,
        ILoggerFactory logs,
        Func<string, (string ContentType, byte[] Body)?> metrics,
        CancellationToken cancellation
    )
    {
        var vault = new Vault(options, store, time, logs);
        vault._custody = await Custody.LoadAsync(store, seal, vault.Hooks(), time, vault._log, cancellation);
        PathEntry[] own =
        [
            .. new InitPaths(vault._custody).Entries,
            .. new SealPaths(vault._custody, store, options).Entries,
            .. new RekeyPaths(vault._custody).Entries,
            .. new GenerateRootPaths(vault._custody).Entries,
            .. new RotatePaths(vault._custody).Entries,
            .. new StatusPaths(options, store.Type, time, metrics).Entries,
        ];
        vault._parts = new VaultParts(options, store, time, logs, own);
        vault._sealedPaths = new PathTable(own.Where(entry => entry.WhenSealed));
        return vault;
    }

    /// <summary>
    /// Answers one request. Expected failures are in the outcome; an exception is a bug (or a damaged store), which the
    /// dialect answers with 500 and the request's id. The response is the caller's to dispose after encoding it.
    /// </summary>
    public async ValueTask<Outcome> HandleAsync(Request request, CancellationToken cancellation)
    {
        if (_open is not { } open || !open.TryEnter())
        {
            return await HandleSealedAsync(request, cancellation);
        }

        try
        {
            return await open.Pipeline.HandleAsync(request, cancellation);
        }
        catch (Exception e) when (open.Closed && e is not OperationCanceledException)
        {
            // It was still under way when sealing had waited long enough, and its keys are gone.
            _log.LogWarning("a request outlived the sealing; whether it took effect is not known");
            return Fault.Sealed();
        }
        finally
        {
            open.Exit();
        }
    }

    /// <summary>Opens the files of the audit anew, after they have been rotated.</summary>
    public async ValueTask ReopenAuditAsync(CancellationToken cancellation)
    {
        if (_open is { } open)
        {
            await open.Audit.ReopenAsync().WaitAsync(cancellation);
        }
    }

    /// <summary>Ends every stream and refuses new ones, because the server is about to stop.</summary>
    public void EndStreams() => _open?.Events.Close();

    public ValueTask DisposeAsync() => _custody.DisposeAsync();

    /// <summary>All leases while it is unsealed. For benchmarks, which fill it.</summary>
    internal LeaseTable? Leases => _open?.Leases;

    /// <summary>Handles everything that is due now, before it returns. For tests, which move the clock.</summary>
    internal async Task RunDueAsync(CancellationToken cancellation)
    {
        if (_open is { } open)
        {
            await open.Due.RunDueAsync(cancellation);
            await open.Rotations.IdleAsync();
        }
    }

    /// <summary>Looks at the clock now. For tests, which set it wrong.</summary>
    internal ValueTask LookAtClockAsync(CancellationToken cancellation) =>
        _open?.Clock.LookAsync(cancellation) ?? ValueTask.CompletedTask;

    /// <summary>While sealed there is nobody to authenticate against, and no audit: only what is needed to unseal answers.</summary>
    private async ValueTask<Outcome> HandleSealedAsync(Request request, CancellationToken cancellation)
    {
        const string Sys = "sys/";
        if (
            !request.Path.StartsWith(Sys, StringComparison.Ordinal)
            || _sealedPaths.Match(request.Path[Sys.Length..]) is not { } match
            || match.Entry.Access != Access.Anyone
        )
        {
            return Fault.Sealed();
        }

        var warnings = new List<string>();
        var (fields, fault) = FieldValues.Bind(match, request, Options.UnknownFields, warnings);
        if (fields is null)
        {
            return fault!;
        }

        using (fields)
        {
            var authorized = AuthorizedRequest.Check(
                request,
                match,
                fields,
                request.Path[Sys.Length..],
                caller: null,
                out _
            );
            if (match.Entry.For(request.Operation) is not { } handler)
            {
                return Fault.Unsupported();
            }

            var outcome = await handler(authorized!, cancellation);
            outcome.Response?.Warnings.AddRange(warnings);
            return outcome;
        }
    }

    private CustodyHooks Hooks() =>
        new()
        {
            BootstrapAsync = (keyring, cancellation) => UnsealedVault.BootstrapAsync(_parts, keyring, cancellation),
            OpenAsync = OpenAsync,
            CloseAsync = CloseAsync,
            MintRootTokenAsync = async cancellation =>
            {
                if (_open is not { } open)
                {
                    return (null, Fault.Sealed());
                }

                var (issued, fault) = await open.Issuer.RootAsync(text: null, cancellation);
                return (issued?.Token, fault);
            },
            RootTokenLength = TokenText.ServiceTokenLength,
        };

    private async ValueTask<Fault?> OpenAsync(Keyring keyring, CancellationToken cancellation)
    {
        _open = await UnsealedVault.StartAsync(_parts, keyring, cancellation);
        _log.LogInformation("vault is unsealed");
        return null;
    }

    private async ValueTask CloseAsync(CancellationToken cancellation)
    {
        if (Interlocked.Exchange(ref _open, null) is { } open)
        {
            // The request that seals is itself still under way.
            await open.CloseAsync(own: 1, cancellation);
            _log.LogInformation("vault is sealed");
        }
    }
}
