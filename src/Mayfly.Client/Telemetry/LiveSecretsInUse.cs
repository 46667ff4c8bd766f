using System.Diagnostics.Metrics;
using Mayfly.Client.Secrets;

namespace Mayfly.Client.Telemetry;

/// <summary>The sets of live secrets of this process, for the gauge that counts them. Keeps none of them alive.</summary>
internal static class LiveSecretsInUse
{
    private static readonly Lock Gate = new();
    private static readonly List<WeakReference<LiveSecrets>> All = [];

    public static void Add(LiveSecrets secrets)
    {
        lock (Gate)
        {
            All.RemoveAll(static each => !each.TryGetTarget(out _));
            All.Add(new WeakReference<LiveSecrets>(secrets));
        }
    }

    public static void Remove(LiveSecrets secrets)
    {
        lock (Gate)
        {
            All.RemoveAll(each => !each.TryGetTarget(out var other) || ReferenceEquals(other, secrets));
        }
    }

    public static IEnumerable<Measurement<int>> Count()
    {
        List<LiveSecrets> sets;
        lock (Gate)
        {
            sets = [.. All.Select(static each => each.TryGetTarget(out var set) ? set : null).OfType<LiveSecrets>()];
        }

        foreach (var source in sets.GroupBy(static set => set.Source.Source.Id, StringComparer.Ordinal))
        {
            var states = source.SelectMany(static set => set.All).CountBy(static secret => secret.State);
            foreach (var (state, count) in states)
            {
                yield return new Measurement<int>(
                    count,
                    new("mayfly.source", source.Key),
                    new("mayfly.state", Word(state))
                );
            }
        }
    }

    private static string Word(SecretState state) =>
        state switch
        {
            SecretState.Fresh => "fresh",
            SecretState.Stale => "stale",
            SecretState.Expired => "expired",
            _ => "cold",
        };
}
