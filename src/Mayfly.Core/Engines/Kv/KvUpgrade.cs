using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Engines.Kv;

/// <summary>
/// Moves the secrets of the unversioned engine into the versioned one when a mount changes from one to the other. Each
/// secret moves in one commit, so whenever it stops, what has moved is new, the rest is old, and a restart goes on. Before
/// that it sets a mark that no write of the unversioned engine gets past, so none can be overlooked.
/// </summary>
internal sealed class KvUpgrade(MountContext context, KvStore store) : IAsyncDisposable
{
    private const string Mark = "versioned";
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly View _old = context.View.Sub(PlainKv.Folder);
    private readonly CancellationTokenSource _stop = new();
    private volatile bool _running;
    private Task _task = Task.CompletedTask;
    private int _disposed;

    /// <summary>Not everything has been moved yet.</summary>
    public bool IsRunning => _running;

    /// <summary>What both engines answer meanwhile, in Vault's words.</summary>
    public static Fault Busy() =>
        Fault.Invalid(
            "Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period and "
                + "will resume service shortly."
        );

    /// <summary>Whether the data of this mount has begun to move, or has moved.</summary>
    public static async ValueTask<bool> HasBegunAsync(View view, CancellationToken cancellation)
    {
        using var mark = await view.GetAsync(Mark, cancellation);
        return mark is not null;
    }

    /// <summary>Makes the commit depend on the upgrade not having begun.</summary>
    public static void ExpectNotBegun(View view, Batch batch) => view.Expect(batch, Mark, expectedVersion: 0);

    /// <summary>Looks for something to move, and moves it in the background.</summary>
    public async ValueTask StartAsync(CancellationToken cancellation)
    {
        if (await SetMarkAsync(cancellation) && (await _old.ListAsync("", cancellation)).Count == 0)
        {
            return;
        }

        _running = true;
        _task = Task.Run(() => RunAsync(_stop.Token), CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stop.CancelAsync();
        await _task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken cancellation)
    {
        context.Log.LogInformation("moving the secrets of {Mount} into versions", context.Mount.Path);
        while (true)
        {
            var marked = await SetMarkAsync(cancellation);
            var (moved, failed) = marked ? await MoveFolderAsync("", cancellation) : (0, true);
            context.Log.LogInformation("{Moved} secrets of {Mount} have versions now", moved, context.Mount.Path);
            if (!failed)
            {
                _running = false;
                return;
            }

            await Task.Delay(Pause, context.Time, cancellation);
        }
    }

    /// <summary>False when the store cannot write now.</summary>
    private async ValueTask<bool> SetMarkAsync(CancellationToken cancellation) =>
        await HasBegunAsync(context.View, cancellation)
        || (await context.View.PutAsync(Mark, "2"u8, cancellation)).Succeeded;

    private async Task<(int Moved, bool Failed)> MoveFolderAsync(string folder, CancellationToken cancellation)
    {
        var moved = 0;
        var failed = false;
        foreach (var name in await _old.ListAsync(folder, cancellation))
        {
            cancellation.ThrowIfCancellationRequested();
            if (name.EndsWith('/'))
            {
                var below = await MoveFolderAsync(folder + name, cancellation);
                moved += below.Moved;
                failed |= below.Failed;
                continue;
            }

            try
            {
                if (await store.AdoptAsync(_old, folder + name, PlainKv.Value, cancellation))
                {
                    moved++;
                }
                else
                {
                    failed = true;
                }
            }
            catch (StoreCorruptException e)
            {
                // It stays where it is for whoever can repair it; the others must not wait for it.
                context.Log.LogError(e, "a secret of {Mount} is damaged and keeps its place", context.Mount.Path);
            }
        }

        return (moved, failed);
    }
}
