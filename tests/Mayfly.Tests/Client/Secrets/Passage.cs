using Mayfly.Client.Secrets;

namespace Mayfly.Tests.Client.Secrets;

/// <summary>Lets time pass for live secrets.</summary>
internal static class Passage
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(0.5);

    /// <summary>Moves the clock in steps, and lets what comes due end before the next one.</summary>
    public static async Task PassAsync(this ManualTime time, TimeSpan by, params IEnumerable<LiveSecret> secrets)
    {
        var all = secrets.ToList();
        for (var left = by; left > TimeSpan.Zero; left -= Step)
        {
            time.Advance(left < Step ? left : Step);
            foreach (var secret in all)
            {
                await secret.IdleAsync();
            }
        }
    }

    /// <summary>Lets time pass until something has happened that takes real work, too.</summary>
    public static async Task PassUntilAsync(this ManualTime time, Func<bool> condition)
    {
        while (!condition())
        {
            time.Advance(TimeSpan.FromMilliseconds(20));
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }
}
