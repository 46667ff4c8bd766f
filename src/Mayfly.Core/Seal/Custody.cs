using System.Security.Cryptography;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Crypto;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Seal;

/// <summary>
/// Holds the root key while the vault is open, and nothing of it while it is not: initializing, unsealing, sealing, and
/// everything that changes who may do so. Safe for concurrent use: one change at a time; the status is read without waiting.
/// </summary>
public sealed partial class Custody : IAsyncDisposable
{
    private readonly IStore _store;
    private readonly TimeProvider _time;
    private readonly CustodyHooks _hooks;
    private readonly ISeal? _configured;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly RootKeyStore _records;
    private Unsealing? _unsealing;
    private OpenKeys? _open;
    private TaskCompletionSource? _closing;
    private volatile SealStatus _status;

    private Custody(IStore store, ISeal? configured, CustodyHooks hooks, TimeProvider time, ILogger log)
    {
        _store = store;
        _time = time;
        _hooks = hooks;
        _configured = configured;
        _log = log;
        _records = new RootKeyStore(store);
        _status = new SealStatus { Type = configured?.Type ?? ShamirSeal.Name };
        Rekey = new Rekeying(this, ofRecoveryKeys: false);
        RekeyRecovery = new Rekeying(this, ofRecoveryKeys: true);
        GenerateRoot = new RootGeneration(this);
        Rotation = new KeyRotation(this);
    }

    /// <summary>The state, as anybody may see it.</summary>
    public SealStatus Status => _status;

    internal Rekeying Rekey { get; }

    internal Rekeying RekeyRecovery { get; }

    internal RootGeneration GenerateRoot { get; }

    internal KeyRotation Rotation { get; }

    internal CustodyHooks Hooks => _hooks;

    internal TimeProvider Time => _time;

    internal ILogger Log => _log;

    internal IStore Store => _store;

    internal RootKeyStore Records => _records;

    internal ISeal? Configured => _configured;

    /// <summary>Null while sealed. Only for those who have entered the gate.</summary>
    internal OpenKeys? Open => _open;

    /// <summary>Reads what the store says. The vault is sealed afterwards, or not initialized.</summary>
    /// <param name="store">Where the records are.</param>
    /// <param name="configured">The automatic seal, which becomes the custody's; null for Shamir's.</param>
    /// <param name="hooks">What to call when the vault opens and closes.</param>
    /// <param name="time">All time comes from here.</param>
    /// <param name="log">For the operator.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="StoreCorruptException">The seal configuration is damaged.</exception>
    public static async Task<Custody> LoadAsync(
        IStore store,
        ISeal? configured,
        CustodyHooks hooks,
        TimeProvider time,
        ILogger log,
        CancellationToken cancellation
    )
    {
        var custody = new Custody(store, configured, hooks, time, log);
        await custody._records.LoadAsync(cancellation);
        custody.Publish();
        return custody;
    }

    /// <summary>Opens the vault with the automatic seal, if there is one.</summary>
    /// <returns>Why it is still sealed, or null when it is open or waits for shares by design.</returns>
    public async ValueTask<Fault?> UnsealAutomaticallyAsync(CancellationToken cancellation)
    {
        using var entered = await EnterAsync(cancellation);
        if (_open is not null || _records.Record is not { Automatic: { } automatic } record)
        {
            return null;
        }

        if (_closing is not null)
        {
            return StillClosing();
        }

        if (_configured is null)
        {
            return Fault.Unavailable(
                $"the vault opens with a seal of type {automatic.Type}, which is not configured; recovery keys open it too"
            );
        }

        using var rootKey = await _configured.UnwrapAsync(
            automatic.WrappedRootKey,
            SealRecord.ContextOf(record.ClusterId, automatic.Type, automatic.KeyId),
            cancellation
        );
        if (rootKey is not null)
        {
            return await OpenAsync(rootKey, cancellation);
        }

        return Fault.Unavailable(
            automatic.KeyId == _configured.KeyId
                ? "the seal's key is right, but the wrapped root key (core/seal) is damaged; recovery keys may open it"
                : $"the seal's key is {_configured.KeyId}, but the vault opens with {automatic.KeyId}; recovery keys open it too"
        );
    }

    /// <summary>Closes the vault and forgets every key.</summary>
    public async ValueTask SealAsync(CancellationToken cancellation)
    {
        using var entered = await EnterAsync(cancellation);
        await CloseAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        using (await EnterAsync(CancellationToken.None))
        {
            await CloseAsync(CancellationToken.None);
            _unsealing?.Dispose();
            _unsealing = null;
        }

        await (_closing?.Task ?? Task.CompletedTask);

        Rekey.Dispose();
        RekeyRecovery.Dispose();
        GenerateRoot.Dispose();
        Rotation.Dispose();
        _configured?.Dispose();
        _gate.Dispose();
    }

    /// <summary>One change at a time: dispose the result to let the next one in.</summary>
    internal async ValueTask<Entered> EnterAsync(CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        return new Entered(_gate);
    }

    /// <summary>The root key, if the key that the people's shares recover opens it.</summary>
    internal static async ValueTask<SecretBytes?> RootKeyOfAsync(
        SealRecord record,
        SecretBytes peoplesKey,
        CancellationToken cancellation
    )
    {
        using var seal = new ShamirSeal(SecretBytes.CopyOf(peoplesKey.Span));
        var context = SealRecord.ContextOf(record.ClusterId, record.People);
        return await seal.UnwrapAsync(record.People.WrappedRootKey, context, cancellation);
    }

    /// <summary>Shows the present state to <see cref="Status"/>.</summary>
    internal void Publish()
    {
        var record = _records.Record;
        _status = new SealStatus
        {
            Type = record?.Type ?? _configured?.Type ?? ShamirSeal.Name,
            Initialized = record is not null,
            Sealed = _open is null,
            Threshold = record?.People.Threshold ?? 0,
            Shares = record?.People.Count ?? 0,
            Progress = _unsealing?.Shares.Progress ?? 0,
            Nonce = _unsealing?.Nonce ?? "",
            Migration = _open is null && record is not null && !OpensWithConfigured(record),
            RecoverySeal = record is null ? _configured is not null : record.Automatic is not null,
            ClusterId = record?.ClusterId ?? "",
        };
    }

    private bool OpensWithConfigured(SealRecord record) =>
        record.Automatic?.Type == _configured?.Type && record.Automatic?.KeyId == _configured?.KeyId;

    private async ValueTask<Fault?> OpenAsync(SecretBytes rootKey, CancellationToken cancellation)
    {
        var (keyring, fault) = await _records.OpenKeyringAsync(rootKey, cancellation);
        if (keyring is null)
        {
            return fault;
        }

        var open = new OpenKeys(SecretBytes.CopyOf(rootKey.Span), keyring);
        try
        {
            // All that was ever reserved counts as used, so the first thing is to reserve more.
            fault = await SaveReservationAsync(open, cancellation) ?? await _hooks.OpenAsync(keyring, cancellation);
        }
        catch
        {
            open.Dispose();
            throw;
        }

        if (fault is not null)
        {
            open.Dispose();
            return fault;
        }

        _open = open;
        Publish();
        Rotation.Start(open);
        return null;
    }

    /// <summary>A store that cannot write now does not keep the vault from opening: reads go on, and the reservation is tried again.</summary>
    private async ValueTask<Fault?> SaveReservationAsync(OpenKeys open, CancellationToken cancellation)
    {
        open.Keyring.ReserveUses();
        var result = await _records.SaveKeyringAsync(open.RootKey, open.Keyring, cancellation);
        open.ReservationPending = !result.Succeeded;
        return result.Status == CommitStatus.Conflict
            ? Fault.Conflict("the keyring was changed by another server at the same time")
            : null;
    }

    private async ValueTask CloseAsync(CancellationToken cancellation)
    {
        if (_open is not { } open)
        {
            return;
        }

        await Rotation.StopAsync();
        Rekey.Drop();
        RekeyRecovery.Drop();
        GenerateRoot.Drop();
        _open = null;
        var closing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _closing = closing;
        Publish();

        // Closing waits for the requests that are under way. One of them may wait at the gate: let it in, to be told that the
        // vault is sealed.
        _gate.Release();
        try
        {
            await _hooks.CloseAsync(cancellation);
        }
        finally
        {
            await _gate.WaitAsync(CancellationToken.None);
            open.Dispose();
            _closing = null;
            closing.SetResult();
        }
    }

    private static Fault StillClosing() => Fault.Unavailable("the vault is being sealed; try again in a moment");

    /// <summary>Lets the next change in when it is disposed.</summary>
    internal readonly struct Entered(SemaphoreSlim gate) : IDisposable
    {
        public void Dispose() => gate.Release();
    }

    /// <summary>The shares shown so far.</summary>
    private sealed record Unsealing(string Nonce, ShareCollector Shares) : IDisposable
    {
        public bool Migrate { get; init; }

        public void Dispose() => Shares.Dispose();
    }
}

/// <summary>The secrets that exist only while the vault is open.</summary>
internal sealed class OpenKeys(SecretBytes rootKey, Keyring keyring) : IDisposable
{
    public SecretBytes RootKey { get; private set; } = rootKey;

    public Keyring Keyring { get; } = keyring;

    /// <summary>The persisted keyring does not know of the uses that were reserved last.</summary>
    public bool ReservationPending { get; set; }

    public void Replace(SecretBytes rootKey)
    {
        RootKey.Dispose();
        RootKey = rootKey;
    }

    public void Dispose()
    {
        RootKey.Dispose();
        Keyring.Dispose();
    }
}
