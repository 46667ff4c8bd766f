using System.Security.Cryptography;
using System.Text.Json;
using Mayfly.Core.Storage;
using Mayfly.Crypto;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Seal;

/// <summary>
/// Walks the whole store and wraps each record's data key with the active KEK. Only headers change; ciphertext is neither read
/// nor touched. Each small batch carries the place that it reached, so a restart goes on there.
/// </summary>
internal sealed class Rewrap(IStore store, Keyring keyring, ILogger log)
{
    private const int PerBatch = 64;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    /// <summary>Runs until everything has been looked at, a newer KEK is active, or <paramref name="stop"/>.</summary>
    public async Task RunAsync(
        RewrapProgress progress,
        Action<RewrapProgress> report,
        TimeProvider time,
        CancellationToken stop
    )
    {
        while (!progress.Complete && keyring.ActiveVersion == progress.Version)
        {
            stop.ThrowIfCancellationRequested();
            StoreKey? after =
                progress.After.Length == 0 ? null : StoreKey.FromBytes(Convert.FromHexString(progress.After));
            var found = await store.ScanAsync(StoreKey.Root, after, PerBatch, stop);
            var (next, result) = await CommitAsync(progress, found, stop);
            if (result.Succeeded)
            {
                progress = next;
                report(progress);
            }
            else
            {
                log.LogWarning("re-wrapping waits: the store cannot write: {Reason}", result.Reason);
                await Task.Delay(RetryAfter, time, stop);
            }
        }
    }

    private async ValueTask<(RewrapProgress Next, CommitResult Result)> CommitAsync(
        RewrapProgress progress,
        IReadOnlyList<KeyedRecord> found,
        CancellationToken stop
    )
    {
        var rewrapped = new List<(KeyedRecord Record, byte[] Value)>();
        var next = progress with { Looked = progress.Looked + found.Count };

        foreach (var record in found)
        {
            if (CoreKeys.IsRaw(record.Key) || record.Key == CoreKeys.Rewrap)
            {
                continue;
            }

            try
            {
                if (keyring.Rewrap(record.Key.Bytes, record.Record.Value.Span) is { } value)
                {
                    rewrapped.Add((record, value));
                }
            }
            catch (CryptographicException)
            {
                next = next with { Damaged = next.Damaged + 1 };
                log.LogError("record {Key} is damaged: its data key could not be re-wrapped", record.Key);
            }
        }

        var all = new Batch();
        foreach (var (record, value) in rewrapped)
        {
            all.Put(record.Key, value, record.Record.Due, record.Record.Version);
        }

        var advanced = Advance(next, found, rewrapped.Count, again: rewrapped.Count > 0);
        PutProgress(all, advanced);
        var result = await store.CommitAsync(all, stop);
        if (result.Status != CommitStatus.Conflict)
        {
            return (advanced, result);
        }

        // Somebody wrote one of them meanwhile, and so with the active KEK. The others go one by one.
        var succeeded = 0;
        foreach (var (record, value) in rewrapped)
        {
            var one = new Batch();
            one.Put(record.Key, value, record.Record.Due, record.Record.Version);
            result = await store.CommitAsync(one, stop);
            if (result.Status == CommitStatus.Unavailable)
            {
                return (progress, result);
            }

            succeeded += result.Succeeded ? 1 : 0;
        }

        advanced = Advance(next, found, succeeded, again: true);
        var last = new Batch();
        PutProgress(last, advanced);
        return (advanced, await store.CommitAsync(last, stop));
    }

    private static RewrapProgress Advance(
        RewrapProgress progress,
        IReadOnlyList<KeyedRecord> found,
        int rewrapped,
        bool again
    )
    {
        again |= progress.PassAgain;
        var next = progress with { Rewrapped = progress.Rewrapped + rewrapped };
        if (found.Count == PerBatch)
        {
            return next with { After = Convert.ToHexString(found[^1].Key.Bytes), PassAgain = again };
        }

        return again
            ? next with
            {
                After = "",
                PassAgain = false,
                Damaged = 0,
            }
            : next with
            {
                After = "",
                Complete = true,
            };
    }

    private void PutProgress(Batch batch, RewrapProgress progress) =>
        batch.Put(
            CoreKeys.Rewrap,
            keyring.Seal(
                CoreKeys.Rewrap.Bytes,
                JsonSerializer.SerializeToUtf8Bytes(progress, RotationJson.Default.RewrapProgress)
            )
        );
}
