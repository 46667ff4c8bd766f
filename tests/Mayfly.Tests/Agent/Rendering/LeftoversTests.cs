using System.Runtime.CompilerServices;
using Mayfly.Agent.Rendering;

namespace Mayfly.Tests.Agent.Rendering;

public sealed class LeftoversTests
{
    [Fact]
    public async Task What_a_change_leaves_behind_is_collected_though_it_was_in_use_for_long()
    {
        var time = new ManualTime();
        var leftovers = new Leftovers(time);
        using var stop = new CancellationTokenSource();
        var running = leftovers.RunAsync(stop.Token);
        var garbage = Garbage();
        leftovers.Notice();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (garbage.IsAlive)
        {
            limit.Token.ThrowIfCancellationRequested();
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Garbage()
    {
        var garbage = new object();
        while (GC.GetGeneration(garbage) < GC.MaxGeneration)
        {
            GC.Collect();
        }

        return new WeakReference(garbage);
    }
}
