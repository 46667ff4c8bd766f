using System.Text.Json;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Hcl;

namespace Mayfly.Core.Sys;

/// <summary>Reads the settings of a mount from a request: the body of tune, or <c>config</c> when it is enabled.</summary>
internal static class MountTuningFields
{
    /// <summary>The settings with what was sent put in place, or the reason why they cannot be.</summary>
    public static (MountTuning? Tuning, Fault? Fault) Apply(MountTuning tuning, JsonElement? sent, VaultOptions server)
    {
        if (sent is not { ValueKind: JsonValueKind.Object } config)
        {
            return (tuning, null);
        }

        foreach (var member in config.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            var (next, problem) = Apply(tuning, member);
            if (problem is not null)
            {
                return (null, Fault.Invalid($"field {member.Name}: {problem}"));
            }

            tuning = next;
        }

        var max = tuning.MaxLeaseTtl > TimeSpan.Zero ? tuning.MaxLeaseTtl : server.MaxLeaseTtl;
        return tuning.DefaultLeaseTtl > max
            ? (null, Fault.Invalid("given default lease TTL is greater than the max lease TTL"))
            : (tuning, null);
    }

    private static (MountTuning Tuning, string? Problem) Apply(MountTuning tuning, JsonProperty member)
    {
        switch (member.Name)
        {
            case "default_lease_ttl":
                return Duration(member.Value, out var ttl) is { } badTtl
                    ? (tuning, badTtl)
                    : (tuning with { DefaultLeaseTtl = ttl }, null);
            case "max_lease_ttl":
                return Duration(member.Value, out var max) is { } badMax
                    ? (tuning, badMax)
                    : (tuning with { MaxLeaseTtl = max }, null);
            case "audit_non_hmac_request_keys":
                return (tuning with { AuditNonHmacRequestKeys = Strings(member.Value) }, null);
            case "audit_non_hmac_response_keys":
                return (tuning with { AuditNonHmacResponseKeys = Strings(member.Value) }, null);
            case "passthrough_request_headers":
                return (tuning with { PassthroughRequestHeaders = Strings(member.Value) }, null);
            case "allowed_response_headers":
                return (tuning with { AllowedResponseHeaders = Strings(member.Value) }, null);
            case "listing_visibility":
                return member.Value.ToString() is "" or "hidden" or "unauth"
                    ? (tuning with { ListingVisibility = member.Value.ToString() }, null)
                    : (tuning, "must be \"hidden\" or \"unauth\"");
            case "token_type":
                return
                    member.Value.ToString()
                        is ""
                            or "default"
                            or "service"
                            or "batch"
                            or "default-service"
                            or "default-batch"
                    ? (
                        tuning with
                        {
                            TokenType = member.Value.ToString() is "default" ? "" : member.Value.ToString(),
                        },
                        null
                    )
                    : (tuning, "must be service, batch, default-service or default-batch");
            case "user_lockout_config":
                return UserLockoutFields.Apply(tuning.UserLockout, member.Value, out var lockout) is { } badLockout
                    ? (tuning, badLockout)
                    : (tuning with { UserLockout = lockout }, null);
            default:
                // Options, description and what has no effect are not settings of this kind.
                return (tuning, null);
        }
    }

    private static string? Duration(JsonElement value, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        var text = value.ValueKind is JsonValueKind.String or JsonValueKind.Number ? value.ToString() : "?";
        return text is "" or "system" || Durations.TryParse(text, out duration)
            ? null
            : "expected a duration such as 3600, \"1h\" or \"system\"";
    }

    private static string[] Strings(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(item => item.ToString())]
            : value.ToString().Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
