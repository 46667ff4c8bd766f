using System.Globalization;
using System.Text.Json;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Hcl;

namespace Mayfly.Core.Sys;

/// <summary>The member <c>user_lockout_config</c> of a mount's settings.</summary>
internal static class UserLockoutFields
{
    /// <summary>The settings with what was sent put in place; or the reason why they cannot be.</summary>
    public static string? Apply(UserLockoutTuning? old, JsonElement sent, out UserLockoutTuning? changed)
    {
        changed = old;
        if (sent.ValueKind != JsonValueKind.Object)
        {
            return "expected a JSON object";
        }

        var tuning = old ?? new UserLockoutTuning();
        foreach (var member in sent.EnumerateObject())
        {
            var text = member.Value.ToString();
            if (member.Value.ValueKind == JsonValueKind.Null || text.Length == 0)
            {
                continue;
            }

            switch (member.Name)
            {
                case "lockout_threshold":
                    if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var threshold))
                    {
                        return "lockout_threshold must be a number that is not negative";
                    }

                    // Zero is Vault's way to say "the default".
                    tuning = tuning with
                    {
                        Threshold = threshold == 0 ? null : threshold,
                    };
                    break;
                case "lockout_duration":
                    if (!Durations.TryParse(text, out var duration))
                    {
                        return "lockout_duration must be a duration such as 900 or \"15m\"";
                    }

                    tuning = tuning with { Duration = duration == TimeSpan.Zero ? null : duration };
                    break;
                case "lockout_counter_reset_duration":
                    if (!Durations.TryParse(text, out var reset))
                    {
                        return "lockout_counter_reset_duration must be a duration such as 900 or \"15m\"";
                    }

                    tuning = tuning with { CounterReset = reset == TimeSpan.Zero ? null : reset };
                    break;
                case "lockout_disable":
                    if (!bool.TryParse(text, out var disabled))
                    {
                        return "lockout_disable must be true or false";
                    }

                    tuning = tuning with { Disabled = disabled };
                    break;
                default:
                    return "it has lockout_threshold, lockout_duration, lockout_counter_reset_duration and lockout_disable";
            }
        }

        changed = tuning;
        return null;
    }

    /// <summary>The settings as Vault shows them.</summary>
    public static void WriteTo(Utf8JsonWriter writer, LockoutLimits limits)
    {
        writer.WriteNumber("user_lockout_counter_reset_duration", (long)limits.CounterReset.TotalSeconds);
        writer.WriteBoolean("user_lockout_disable", limits.Disabled);
        writer.WriteNumber("user_lockout_duration", (long)limits.Duration.TotalSeconds);
        writer.WriteNumber("user_lockout_threshold", limits.Threshold);
    }
}
