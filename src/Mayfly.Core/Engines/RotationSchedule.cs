using Mayfly.Core.Pipeline;
using Mayfly.Core.Rotation;

namespace Mayfly.Core.Engines;

/// <summary>When a secret is rotated by itself: every so often, or at the times of a cron expression. Immutable.</summary>
public sealed record RotationSchedule
{
    /// <summary>As in Vault: no period is shorter.</summary>
    public static readonly TimeSpan ShortestPeriod = TimeSpan.FromSeconds(5);

    /// <summary>Never by itself.</summary>
    public static RotationSchedule OnDemand { get; } = new();

    /// <summary>From one rotation to the next; zero when there is a <see cref="Cron"/> expression or no schedule.</summary>
    public TimeSpan Period { get; init; }

    /// <summary>Five fields, in UTC; "" when there is a <see cref="Period"/> or no schedule.</summary>
    public string Cron { get; init; } = "";

    /// <summary>How long after a time of <see cref="Cron"/> a rotation may begin; zero for without limit.</summary>
    public TimeSpan Window { get; init; }

    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsOnDemand => Period == TimeSpan.Zero && Cron.Length == 0;

    /// <summary>Checks what was sent as <c>rotation_period</c>, <c>rotation_schedule</c> and <c>rotation_window</c>.</summary>
    /// <returns>The schedule, <see cref="OnDemand"/> when nothing was sent, or what is wrong.</returns>
    public static (RotationSchedule? Schedule, Fault? Fault) From(TimeSpan? period, string? cron, TimeSpan? window)
    {
        var hasPeriod = period > TimeSpan.Zero;
        var hasCron = !string.IsNullOrWhiteSpace(cron);
        if (hasPeriod && hasCron)
        {
            return (
                null,
                Fault.Invalid(
                    "mutually exclusive fields rotation_period and rotation_schedule were both specified; only one of "
                        + "them can be provided"
                )
            );
        }

        if (window > TimeSpan.Zero && !hasCron)
        {
            return (null, Fault.Invalid("rotation_window is invalid with use of rotation_period"));
        }

        if (hasPeriod && period < ShortestPeriod)
        {
            return (null, Fault.Invalid($"rotation_period must be {ShortestPeriod.TotalSeconds:0} seconds or more"));
        }

        if (!hasCron)
        {
            return (hasPeriod ? new RotationSchedule { Period = period!.Value } : OnDemand, null);
        }

        return CronExpression.TryParse(cron!, out _, out var problem)
            ? (new RotationSchedule { Cron = cron!.Trim(), Window = window ?? TimeSpan.Zero }, null)
            : (null, Fault.Invalid($"could not parse rotation_schedule: {problem}"));
    }

    /// <summary>The first time after <paramref name="last"/> at which to rotate; null when only on demand.</summary>
    public DateTimeOffset? After(DateTimeOffset last) =>
        Period > TimeSpan.Zero ? last + Period
        : Cron.Length > 0 && CronExpression.TryParse(Cron, out var cron, out _) ? cron.After(last)
        : null;

    /// <summary>Whether a rotation that was to begin at <paramref name="due"/> may still begin.</summary>
    public bool IsOpen(DateTimeOffset due, DateTimeOffset now) => Window == TimeSpan.Zero || now < due + Window;
}
