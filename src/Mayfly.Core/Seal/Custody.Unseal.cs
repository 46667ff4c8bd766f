using Mayfly.Core.Pipeline;
using Mayfly.Crypto;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Seal;

/// <content>Unsealing with shares.</content>
public sealed partial class Custody
{
    /// <summary>
    /// Takes one unseal key (or recovery key); the last one that is needed opens the vault. Look at <see cref="Status"/> afterwards.
    /// A wrong share is refused, and neither counts nor spoils what others brought.
    /// </summary>
    /// <param name="share">In hexadecimal or base64.</param>
    /// <param name="migrate">The configured seal is to open the vault from now on.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Why it was not taken, or why the vault is still sealed although there are enough; or null.</returns>
    public async ValueTask<Fault?> SubmitShareAsync(string share, bool migrate, CancellationToken cancellation)
    {
        using var entered = await EnterAsync(cancellation);
        if (_records.Record is not { } record)
        {
            return Fault.Invalid("server is not yet initialized");
        }

        if (_open is not null)
        {
            return null;
        }

        if (_closing is not null)
        {
            return StillClosing();
        }

        var unsealing =
            _unsealing
            ?? new Unsealing(Guid.NewGuid().ToString(), new ShareCollector(record.ClusterId, record.People))
            {
                Migrate = migrate,
            };
        if (unsealing.Migrate != migrate)
        {
            return Fault.Invalid("all keys of one unsealing must agree on 'migrate'; start again with 'reset'");
        }

        if (migrate && OpensWithConfigured(record))
        {
            return Fault.Invalid(
                "'migrate' was given, but the configured seal is already the one that opens the vault"
            );
        }

        if (unsealing.Shares.Add(share) is { } refused)
        {
            return refused;
        }

        _unsealing = unsealing;
        if (!unsealing.Shares.Complete)
        {
            Publish();
            return null;
        }

        _unsealing = null;
        try
        {
            using var key = unsealing.Shares.Take();
            return await OpenWithSharesAsync(record, key, migrate, cancellation);
        }
        finally
        {
            Publish();
        }
    }

    /// <summary>Forgets the shares that have been shown.</summary>
    public async ValueTask ResetAsync(CancellationToken cancellation)
    {
        using var entered = await EnterAsync(cancellation);
        _unsealing?.Dispose();
        _unsealing = null;
        Publish();
    }

    private async ValueTask<Fault?> OpenWithSharesAsync(
        SealRecord record,
        SecretBytes key,
        bool migrate,
        CancellationToken cancellation
    )
    {
        using var rootKey = await RootKeyOfAsync(record, key, cancellation);
        if (rootKey is null)
        {
            return Fault.Unavailable("the keys are right, but the seal configuration (core/seal) is damaged");
        }

        if (migrate)
        {
            var migrated = record with { Automatic = await HolderAsync(record.ClusterId, rootKey, cancellation) };
            var saved = await _records.SaveRecordAsync(migrated, cancellation);
            if (!saved.Succeeded)
            {
                return Fault.From(saved);
            }

            _log.LogWarning("the vault now opens with the seal {Type}", migrated.Type);
        }
        else if (!OpensWithConfigured(record))
        {
            _log.LogWarning("opened with key shares, but the configured seal does not open this vault; see 'migrate'");
        }

        return await OpenAsync(rootKey, cancellation);
    }

    /// <summary>The root key wrapped by the configured seal, or null when there is none.</summary>
    internal async ValueTask<AutomaticHolder?> HolderAsync(
        string clusterId,
        SecretBytes rootKey,
        CancellationToken cancellation
    )
    {
        if (_configured is null)
        {
            return null;
        }

        var context = SealRecord.ContextOf(clusterId, _configured.Type, _configured.KeyId);
        var wrapped = await _configured.WrapAsync(rootKey, context, cancellation);
        return new AutomaticHolder(_configured.Type, _configured.KeyId, wrapped);
    }
}
