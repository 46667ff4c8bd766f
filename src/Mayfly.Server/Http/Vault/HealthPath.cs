using System.Globalization;
using System.Text.Json;
using Mayfly.Core;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Server.Http.Vault;

/// <summary>What the server tells a load balancer.</summary>
internal readonly record struct Health(VaultState State, string Version, string ClusterName, string ClusterId);

/// <summary>
/// <c>sys/health</c>: who asks is a load balancer that understands statuses only, so the query chooses them, and HEAD works.
/// </summary>
internal sealed class HealthPath(Func<Health> read, TimeProvider time) : ISpecialPath
{
    public string Path => "sys/health";

    public async ValueTask<bool> TryAnswerAsync(Exchange exchange, string method, RequestTarget target)
    {
        if (method is not ("GET" or "HEAD") || target.Query.ContainsKey("help"))
        {
            return false;
        }

        var features = exchange.Features;
        var health = read();
        var (status, problem) = StatusOf(health.State, target.Query);
        if (problem is not null)
        {
            await Reply.WriteAsync(features, "", Fault.Invalid(problem));
            return true;
        }

        if (method == "HEAD")
        {
            Reply.WriteHead(features, status);
            return true;
        }

        using var buffer = new SecretBufferWriter();
        Write(buffer, health);
        using var bytes = buffer.Detach();
        await Reply.WriteBytesAsync(features, status, "application/json", bytes.Memory);
        return true;
    }

    /// <summary>
    /// The status for a state, as the query wants it. Every override is checked, also those for states that this server
    /// is never in (standby), so that a mistake shows before the day it matters.
    /// </summary>
    internal static (int Status, string? Problem) StatusOf(VaultState state, IReadOnlyDictionary<string, string> query)
    {
        var codes = (Active: 200, Sealed: 503, Uninitialized: 501);
        foreach (var (name, value) in query)
        {
            switch (name)
            {
                case "activecode" or "sealedcode" or "uninitcode":
                case "standbycode"
                or "drsecondarycode"
                or "performancestandbycode"
                or "removedcode"
                or "haunhealthycode":
                    if (
                        !int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var code)
                        || code is < 200 or > 599
                    )
                    {
                        return (0, $"{name} must be an HTTP status from 200 to 599");
                    }

                    codes = name switch
                    {
                        "activecode" => codes with { Active = code },
                        "sealedcode" => codes with { Sealed = code },
                        "uninitcode" => codes with { Uninitialized = code },
                        _ => codes,
                    };
                    break;
                case "standbyok" or "perfstandbyok":
                    if (value is not ("" or "true" or "false" or "1" or "0" or "t" or "f"))
                    {
                        return (0, $"{name} must be true or false");
                    }

                    break;
                default:
                    break;
            }
        }

        var status = state switch
        {
            VaultState.Unsealed => codes.Active,
            VaultState.Sealed => codes.Sealed,
            _ => codes.Uninitialized,
        };
        return (status, null);
    }

    private void Write(SecretBufferWriter target, Health health)
    {
        using var json = new Utf8JsonWriter(target, Json.WriterOptions);
        json.WriteStartObject();
        json.WriteBoolean("initialized"u8, health.State != VaultState.Uninitialized);
        json.WriteBoolean("sealed"u8, health.State != VaultState.Unsealed);
        json.WriteBoolean("standby"u8, health.State != VaultState.Unsealed);
        json.WriteBoolean("performance_standby"u8, false);
        json.WriteString(
            "replication_performance_mode"u8,
            health.State == VaultState.Unsealed ? "disabled"u8 : "unknown"u8
        );
        json.WriteString("replication_dr_mode"u8, health.State == VaultState.Unsealed ? "disabled"u8 : "unknown"u8);
        json.WriteNumber("server_time_utc"u8, time.GetUtcNow().ToUnixTimeSeconds());
        json.WriteString("version"u8, health.Version);
        json.WriteBoolean("enterprise"u8, false);
        if (health.State == VaultState.Unsealed)
        {
            json.WriteString("cluster_name"u8, health.ClusterName);
            json.WriteString("cluster_id"u8, health.ClusterId);
        }

        json.WriteEndObject();
        json.Flush();
        target.Write("\n"u8);
    }
}
