using System.Text.Json;
using Mayfly.Core.Consumers;
using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Rotation;

namespace Mayfly.Core.Sys;

/// <summary>Rotations as replies show them.</summary>
internal static class RotationReply
{
    public static void Write(
        Utf8JsonWriter writer,
        string name,
        RotationRecord record,
        IReadOnlyList<Consumer> consumers
    )
    {
        var attempt = record.Attempt;
        writer.WriteString("name", name);
        writer.WriteString("mode", RotationText.Of(record.Terms.Mode));
        writer.WriteString("step", RotationText.Of(record.Step));
        writer.WriteString("current_version", record.CurrentVersion);
        WriteTime(writer, "last_rotation", record.LastRotation);
        WriteTime(writer, "next_rotation", record.NextRotation);
        WriteTime(writer, "next_attempt", record.Due());
        writer.WriteNumber("failures", record.Failures);
        writer.WriteString("last_error", record.LastError);
        WriteSchedule(writer, record.Terms.Schedule);
        if (record.Step != RotationStep.Idle)
        {
            writer.WriteStartObject("attempt");
            writer.WriteString("version", attempt!.Version);
            writer.WriteString("started", GoTime.Format(attempt.StartedAt));
            writer.WriteString("reason", attempt.Reason);
            writer.WriteBoolean("emergency", attempt.Emergency);
            writer.WriteString("error", attempt.Error);
            writer.WriteEndObject();
        }

        WriteConsumers(writer, record, consumers);
        WriteHistory(writer, record.History);
    }

    public static void WriteSchedule(Utf8JsonWriter writer, RotationSchedule schedule)
    {
        writer.WriteNumber("rotation_period", (long)schedule.Period.TotalSeconds);
        writer.WriteString("rotation_schedule", schedule.Cron);
        writer.WriteNumber("rotation_window", (long)schedule.Window.TotalSeconds);
    }

    public static void WriteTime(Utf8JsonWriter writer, string name, DateTimeOffset? time)
    {
        if (time is { } known)
        {
            writer.WriteString(name, GoTime.Format(known));
        }
        else
        {
            writer.WriteNull(name);
        }
    }

    private static void WriteConsumers(Utf8JsonWriter writer, RotationRecord record, IReadOnlyList<Consumer> consumers)
    {
        var wanted = record.IsUnderWay ? record.Attempt!.Version : record.CurrentVersion;
        writer.WriteStartArray("consumers");
        foreach (var consumer in consumers.OrderBy(consumer => consumer.Name, StringComparer.Ordinal))
        {
            writer.WriteStartObject();
            writer.WriteString("name", consumer.Name);
            writer.WriteString("last_seen", GoTime.Format(consumer.Seen));
            writer.WriteString("acknowledged", consumer.Acknowledged);
            writer.WriteBoolean("awaited", record.Awaits(consumer.Name));
            writer.WriteBoolean(
                "behind",
                record.Step == RotationStep.Wait && record.Awaits(consumer.Name) && !consumer.Holds(wanted)
            );
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        var heard = consumers.Select(consumer => consumer.Name);
        var behind = consumers.Where(consumer => !consumer.Holds(wanted)).Select(consumer => consumer.Name);
        writer.WriteStartArray("behind");
        if (record.Step == RotationStep.Wait)
        {
            // Whoever has not been heard of since a restart is still waited for.
            foreach (
                var name in behind
                    .Concat(record.Awaited.Except(heard, StringComparer.Ordinal))
                    .Where(record.Awaits)
                    .Order(StringComparer.Ordinal)
            )
            {
                writer.WriteStringValue(name);
            }
        }

        writer.WriteEndArray();
    }

    private static void WriteHistory(Utf8JsonWriter writer, IReadOnlyList<RotationOutcome> history)
    {
        writer.WriteStartArray("history");
        foreach (var outcome in history)
        {
            writer.WriteStartObject();
            writer.WriteString("version", outcome.Version);
            writer.WriteString("started", GoTime.Format(outcome.StartedAt));
            writer.WriteString("ended", GoTime.Format(outcome.EndedAt));
            writer.WriteString("outcome", outcome.Error.Length == 0 ? "rotated" : "reverted");
            writer.WriteString("reason", outcome.Reason);
            writer.WriteBoolean("emergency", outcome.Emergency);
            writer.WriteString("error", outcome.Error);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
