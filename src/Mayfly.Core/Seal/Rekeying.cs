using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Crypto;

namespace Mayfly.Core.Seal;

/// <summary>
/// New shares in place of the old ones, by agreement of enough people who hold those; and a new root key, so that the old
/// shares and an old copy of the seal configuration no longer open what is stored from now on.
/// </summary>
/// <param name="custody">Whose shares.</param>
/// <param name="ofRecoveryKeys">The shares are recovery keys: there is an automatic seal.</param>
internal sealed class Rekeying(Custody custody, bool ofRecoveryKeys) : IDisposable
{
    private const string What = "rekey";

    private Operation? _operation;

    public async ValueTask<(RekeyStatus? Status, Fault? Fault)> StatusAsync(CancellationToken cancellation)
    {
        using var entered = await custody.EnterAsync(cancellation);
        return NotPossible() is { } fault ? (null, fault) : (Status(), null);
    }

    /// <summary>Begins, with the number of shares that there are to be.</summary>
    public async ValueTask<(RekeyStatus? Status, Fault? Fault)> StartAsync(
        Claim claim,
        long shares,
        long threshold,
        bool verify,
        CancellationToken cancellation
    )
    {
        using var entered = await custody.EnterAsync(cancellation);
        if ((NotPossible() ?? KeyShares.Check(shares, threshold, "secret_shares", "secret_threshold")) is { } fault)
        {
            return (null, fault);
        }

        var record = custody.Records.Record!;
        using var collector = new ShareCollector(record.ClusterId, record.People);
        if (claim.Share.Length > 0 && collector.Add(claim.Share) is { } refused)
        {
            return (null, refused);
        }

        var proven = claim.Sudo || collector.Progress > 0;
        if (Current() is { } running && running.Guard.MayReplace(What, proven) is { } occupied)
        {
            return (null, occupied);
        }

        Drop();
        _operation = new Operation(
            new Guard(custody.Time, proven),
            new ShareCollector(record.ClusterId, record.People),
            (int)shares,
            (int)threshold,
            verify
        );
        return (Status(), null);
    }

    /// <summary>Adds a share of the old set; the last one that is needed gives the new set, the caller's to dispose.</summary>
    public async ValueTask<(RekeyProgress? Progress, Fault? Fault)> UpdateAsync(
        Claim claim,
        CancellationToken cancellation
    )
    {
        using var entered = await custody.EnterAsync(cancellation);
        if (NotPossible() is { } impossible)
        {
            return (null, impossible);
        }

        if (Current() is not { } operation)
        {
            return (null, Fault.Invalid("no rekey in progress"));
        }

        if (operation.New is not null)
        {
            return (null, Fault.Invalid("the new keys have been given out and wait for their verification"));
        }

        if ((operation.Guard.MayContinue(claim) ?? operation.Shares.Add(claim.Share)) is { } refused)
        {
            return (null, refused);
        }

        operation.Guard.Prove();
        if (!operation.Shares.Complete)
        {
            return (new RekeyProgress(Status(), null), null);
        }

        var record = custody.Records.Record!;
        using var key = operation.Shares.Take();
        using var rootKey = await Custody.RootKeyOfAsync(record, key, cancellation);
        if (rootKey is null)
        {
            Drop();
            return (null, Fault.Unavailable("the keys are right, but the seal configuration (core/seal) is damaged"));
        }

        var made = KeyShares.Generate(record.ClusterId, operation.NewShares, operation.NewThreshold);
        if (operation.Verify)
        {
            operation.AwaitVerification(made, record.ClusterId);
            return (new RekeyProgress(Status(), new RekeyedShares(made)), null);
        }

        using (made)
        {
            var status = Status();
            if (await CommitAsync(record, made, cancellation) is { } failed)
            {
                return (null, failed);
            }

            Drop();
            return (new RekeyProgress(status, new RekeyedShares(made)), null);
        }
    }

    /// <summary>Adds a share of the new set, as proof that it arrived; the last one that is needed makes the new set valid.</summary>
    public async ValueTask<(RekeyVerification? Verification, Fault? Fault)> VerifyAsync(
        Claim claim,
        CancellationToken cancellation
    )
    {
        using var entered = await custody.EnterAsync(cancellation);
        if (Verifying(out var operation) is { } fault)
        {
            return (null, fault);
        }

        if (claim.Nonce != operation.VerificationNonce)
        {
            return (
                null,
                Fault.Invalid(
                    $"incorrect nonce supplied; nonce for this verify operation is {operation.VerificationNonce}"
                )
            );
        }

        if (operation.Verified!.Add(claim.Share) is { } refused)
        {
            return (null, refused);
        }

        operation.Guard.Prove();
        if (!operation.Verified.Complete)
        {
            return (Verification(operation), null);
        }

        operation.Verified.Clear();
        if (await CommitAsync(custody.Records.Record!, operation.New!, cancellation) is { } failed)
        {
            return (null, failed);
        }

        var done = Verification(operation) with { Complete = true };
        Drop();
        return (done, null);
    }

    public async ValueTask<(RekeyVerification? Verification, Fault? Fault)> VerificationAsync(
        CancellationToken cancellation
    )
    {
        using var entered = await custody.EnterAsync(cancellation);
        return Verifying(out var operation) is { } fault ? (null, fault) : (Verification(operation), null);
    }

    /// <summary>Begins the verification again, under another nonce; the new shares stay the same.</summary>
    public async ValueTask<(RekeyVerification? Verification, Fault? Fault)> RestartVerificationAsync(
        Claim claim,
        CancellationToken cancellation
    )
    {
        using var entered = await custody.EnterAsync(cancellation);
        if (Verifying(out var operation) is { } fault)
        {
            return (null, fault);
        }

        var mayRestart =
            claim.Sudo
            || (
                claim.Nonce == operation.VerificationNonce
                && (operation.Shares.Knows(claim.Share) || operation.Verified!.Knows(claim.Share))
            );
        if (!mayRestart)
        {
            return (
                null,
                Fault.Denied(
                    "restarting takes a token with the sudo capability, or the nonce and one key share ('key')"
                )
            );
        }

        operation.RestartVerification();
        return (Verification(operation), null);
    }

    public async ValueTask<Fault?> CancelAsync(Claim claim, CancellationToken cancellation)
    {
        using var entered = await custody.EnterAsync(cancellation);
        if (Current() is not { } operation)
        {
            return null;
        }

        if (operation.Guard.MayCancel(claim, operation.Shares) is { } refused)
        {
            return refused;
        }

        Drop();
        return null;
    }

    public void Dispose() => Drop();

    /// <summary>Forgets the operation. The caller has entered the gate.</summary>
    public void Drop()
    {
        _operation?.Dispose();
        _operation = null;
    }

    private async ValueTask<Fault?> CommitAsync(SealRecord record, KeyShares made, CancellationToken cancellation)
    {
        var open = custody.Open!;
        if (record.Automatic is not null && custody.Configured is null)
        {
            return Fault.Unavailable(
                "the automatic seal is not configured, so the new root key could not be given to it"
            );
        }

        var rootKey = SecretBytes.Random(SealKey.Size);
        try
        {
            var replaced = record with
            {
                People = await Custody.WrapAsync(record.ClusterId, made, rootKey, cancellation),
                Automatic = record.Automatic is null
                    ? null
                    : await custody.HolderAsync(record.ClusterId, rootKey, cancellation),
            };
            var result = await custody.Records.ReplaceAsync(replaced, rootKey, open.Keyring, cancellation);
            if (!result.Succeeded)
            {
                rootKey.Dispose();
                return Fault.From(result);
            }
        }
        catch
        {
            rootKey.Dispose();
            throw;
        }

        open.Replace(rootKey);

        // Every other operation counts shares that are no longer valid.
        custody.GenerateRoot.Drop();
        custody.Publish();
        return null;
    }

    private Fault? NotPossible()
    {
        if (custody.Open is null || custody.Records.Record is not { } record)
        {
            return Fault.Sealed();
        }

        if (ofRecoveryKeys == record.Automatic is not null)
        {
            return null;
        }

        return ofRecoveryKeys
            ? Fault.Invalid("there are no recovery keys: the vault opens with unseal keys; use sys/rekey")
            : Fault.Invalid("there are no unseal keys: an automatic seal opens the vault; use sys/rekey-recovery-key");
    }

    private Fault? Verifying(out Operation operation)
    {
        operation = null!;
        if (NotPossible() is { } fault)
        {
            return fault;
        }

        if (Current() is not { New: not null } waiting)
        {
            return Fault.Invalid("no rekey verification in progress");
        }

        operation = waiting;
        return null;
    }

    private Operation? Current()
    {
        if (_operation?.Guard.Expired == true)
        {
            Drop();
        }

        return _operation;
    }

    private RekeyStatus Status()
    {
        var operation = Current();
        return new RekeyStatus
        {
            Started = operation is not null,
            Nonce = operation?.Guard.Nonce ?? "",
            Threshold = operation?.NewThreshold ?? 0,
            Shares = operation?.NewShares ?? 0,
            Progress = operation?.Shares.Progress ?? 0,
            Required = custody.Records.Record!.People.Threshold,
            VerificationRequired = operation?.Verify ?? false,
            VerificationNonce = operation?.VerificationNonce ?? "",
        };
    }

    private static RekeyVerification Verification(Operation operation) =>
        new()
        {
            Nonce = operation.VerificationNonce,
            Threshold = operation.NewThreshold,
            Shares = operation.NewShares,
            Progress = operation.Verified!.Progress,
        };

    private sealed class Operation(Guard guard, ShareCollector shares, int newShares, int newThreshold, bool verify)
        : IDisposable
    {
        public Guard Guard => guard;

        public ShareCollector Shares => shares;

        public int NewShares => newShares;

        public int NewThreshold => newThreshold;

        public bool Verify => verify;

        /// <summary>The new keys, once they have been given out and wait for verification.</summary>
        public KeyShares? New { get; private set; }

        public ShareCollector? Verified { get; private set; }

        public string VerificationNonce { get; private set; } = "";

        public void AwaitVerification(KeyShares made, string clusterId)
        {
            New = made;
            Verified = new ShareCollector(clusterId, made.Holders);
            VerificationNonce = Guid.NewGuid().ToString();
        }

        public void RestartVerification()
        {
            Verified!.Clear();
            VerificationNonce = Guid.NewGuid().ToString();
        }

        public void Dispose()
        {
            shares.Dispose();
            Verified?.Dispose();
            New?.Dispose();
        }
    }
}
