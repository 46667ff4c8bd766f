using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database;

/// <summary>How a static role is rotated: its fields, its record, and how it is shown.</summary>
internal static class StaticRoleTerms
{
    public static readonly FieldSpec[] Fields =
    [
        new("rotation_period", FieldType.Duration, "From one rotation to the next; 5 seconds at least."),
        new(
            "rotation_schedule",
            FieldType.String,
            "When to rotate, as five fields of cron in UTC, instead of rotation_period."
        ),
        new("rotation_window", FieldType.Duration, "How long after a time of rotation_schedule a rotation may begin."),
        new(
            "rotation_mode",
            FieldType.String,
            "dual (unless set, with second_username), atomic (unless set, without) or coordinated."
        ),
        new(
            "consumer_wait",
            FieldType.Duration,
            "How long to wait until all consumers have taken up the new password."
        ),
        new("late_consumers", FieldType.String, "What follows when they have not: revert (unless set) or proceed."),
        new(
            "retire_after",
            FieldType.Duration,
            "With two users: how long the old password stays valid; until its turn comes unless set."
        ),
    ];

    /// <summary>What was sent over what was there.</summary>
    public static (RotationTerms? Terms, Fault? Fault) Merge(
        RotationTerms? old,
        FieldValues fields,
        int users,
        string readPath
    )
    {
        var (schedule, fault) = Schedule(old?.Schedule, fields);
        if (schedule is null)
        {
            return (null, fault);
        }

        if (schedule.IsOnDemand)
        {
            return (
                null,
                Fault.Invalid("one of rotation_schedule or rotation_period must be provided to create a static account")
            );
        }

        RotationMode? mode = fields.StringOrNull("rotation_mode") switch
        {
            null or "" => old is not null && (old.Mode == RotationMode.DualCredential) == (users == 2) ? old.Mode
            : users == 2 ? RotationMode.DualCredential
            : RotationMode.Atomic,
            "dual" => RotationMode.DualCredential,
            "atomic" => RotationMode.Atomic,
            "coordinated" => RotationMode.Coordinated,
            _ => null,
        };
        if (mode is null)
        {
            return (null, Fault.Invalid("rotation_mode is dual, atomic or coordinated"));
        }

        if ((mode == RotationMode.DualCredential) != (users == 2))
        {
            return (null, Fault.Invalid("rotation_mode dual needs second_username, and the others have one user"));
        }

        LateConsumers? late = fields.StringOrNull("late_consumers") switch
        {
            null => old?.LateConsumers ?? LateConsumers.Revert,
            "" or "revert" => LateConsumers.Revert,
            "proceed" => LateConsumers.Proceed,
            _ => null,
        };
        return late is null
            ? (null, Fault.Invalid("late_consumers is revert or proceed"))
            : (
                new RotationTerms
                {
                    Mode = mode.Value,
                    Schedule = schedule,
                    ReadPath = readPath,
                    ConsumerWait = fields.DurationOrNull("consumer_wait") ?? old?.ConsumerWait ?? TimeSpan.Zero,
                    LateConsumers = late.Value,
                    RetireAfter = fields.DurationOrNull("retire_after") ?? old?.RetireAfter,
                },
                null
            );
    }

    public static void Show(Utf8JsonWriter writer, RotationTerms terms)
    {
        ShowSchedule(writer, terms.Schedule);
        writer.WriteString(
            "rotation_mode",
            terms.Mode == RotationMode.DualCredential ? "dual" : terms.Mode.ToString().ToLowerInvariant()
        );
        writer.WriteNumber("consumer_wait", (long)terms.ConsumerWait.TotalSeconds);
        writer.WriteString("late_consumers", terms.LateConsumers.ToString().ToLowerInvariant());
        if (terms.RetireAfter is { } retire)
        {
            writer.WriteNumber("retire_after", (long)retire.TotalSeconds);
        }
    }

    public static void ShowSchedule(Utf8JsonWriter writer, RotationSchedule schedule)
    {
        if (schedule.Cron.Length == 0)
        {
            writer.WriteNumber("rotation_period", (long)schedule.Period.TotalSeconds);
            return;
        }

        writer.WriteString("rotation_schedule", schedule.Cron);
        writer.WriteNumber("rotation_window", (long)schedule.Window.TotalSeconds);
    }

    public static void Write(Utf8JsonWriter writer, string name, RotationTerms terms)
    {
        writer.WriteStartObject(name);
        writer.WriteString("mode", terms.Mode.ToString());
        writer.WriteNumber("period", terms.Schedule.Period.Ticks);
        writer.WriteString("cron", terms.Schedule.Cron);
        writer.WriteNumber("window", terms.Schedule.Window.Ticks);
        writer.WriteString("read_path", terms.ReadPath);
        writer.WriteNumber("consumer_wait", terms.ConsumerWait.Ticks);
        writer.WriteString("late_consumers", terms.LateConsumers.ToString());
        writer.WriteNumber("retire_after", terms.RetireAfter?.Ticks ?? -1);
        writer.WriteEndObject();
    }

    public static RotationTerms Read(JsonElement stored) =>
        new()
        {
            Mode = Enum.Parse<RotationMode>(stored.GetProperty("mode").GetString()!),
            Schedule = new RotationSchedule
            {
                Period = new TimeSpan(stored.GetProperty("period").GetInt64()),
                Cron = stored.GetProperty("cron").GetString()!,
                Window = new TimeSpan(stored.GetProperty("window").GetInt64()),
            },
            ReadPath = stored.GetProperty("read_path").GetString()!,
            ConsumerWait = new TimeSpan(stored.GetProperty("consumer_wait").GetInt64()),
            LateConsumers = Enum.Parse<LateConsumers>(stored.GetProperty("late_consumers").GetString()!),
            RetireAfter = stored.GetProperty("retire_after").GetInt64() is >= 0 and var ticks
                ? new TimeSpan(ticks)
                : null,
        };

    private static (RotationSchedule? Schedule, Fault? Fault) Schedule(RotationSchedule? old, FieldValues fields)
    {
        var sent = fields.Has("rotation_period") || fields.Has("rotation_schedule");
        if (!sent && old is not null)
        {
            return fields.DurationOrNull("rotation_window") is { } window
                ? RotationSchedule.From(old.Period, old.Cron, window)
                : (old, null);
        }

        return RotationSchedule.From(
            fields.DurationOrNull("rotation_period"),
            fields.StringOrNull("rotation_schedule"),
            fields.DurationOrNull("rotation_window")
        );
    }
}
