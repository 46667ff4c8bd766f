using Mayfly.Core.Pipeline;
using Mayfly.Hcl;

namespace Mayfly.Core.Engines.Database;

/// <summary>When the password of a connection's user is rotated by itself: its fields, and what they come to.</summary>
internal static class RootTerms
{
    private const string Folder = "config/";

    /// <summary>Stored and shown as they are sent.</summary>
    public static readonly FieldSpec[] Fields =
    [
        new("rotation_period", FieldType.Duration, "How often the password of username is rotated; 0 for not at all."),
        new(
            "rotation_schedule",
            FieldType.String,
            "When it is rotated, as five fields of cron in UTC, instead of rotation_period."
        ),
        new("rotation_window", FieldType.Duration, "How long after a time of rotation_schedule a rotation may begin."),
        new("disable_automated_rotation", FieldType.Bool, "Keep the schedule, and rotate on demand alone."),
    ];

    /// <summary>What the rotation of a connection's user is called.</summary>
    public static string Target(string name) => Folder + name;

    /// <summary>The name of the configuration that a rotation is about, or null when it is about something else.</summary>
    public static string? NameOf(SecretRotation rotation) =>
        rotation.Target.StartsWith(Folder, StringComparison.Ordinal) ? rotation.Target[Folder.Length..] : null;

    public static (RotationTerms? Terms, Fault? Fault) Of(ConnectionConfig config)
    {
        var set = config.RootSchedule;
        var (schedule, fault) = RotationSchedule.From(
            Duration("rotation_period"),
            set.GetValueOrDefault("rotation_schedule"),
            Duration("rotation_window")
        );
        if (schedule is null)
        {
            return (null, fault);
        }

        var isOff = set.GetValueOrDefault("disable_automated_rotation") is "true" or "1";
        return (
            new RotationTerms { Mode = RotationMode.Atomic, Schedule = isOff ? RotationSchedule.OnDemand : schedule },
            null
        );

        TimeSpan? Duration(string name) =>
            Durations.TryParse(set.GetValueOrDefault(name, ""), out var value) ? value : null;
    }
}
