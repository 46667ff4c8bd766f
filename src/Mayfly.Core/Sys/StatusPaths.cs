using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Sys;

/// <summary>What kind of server this is, for clients that ask: one active node, no replication.</summary>
internal sealed class StatusPaths(
    VaultOptions server,
    string storageType,
    TimeProvider time,
    Func<string, (string ContentType, byte[] Body)?> metrics
)
{
    private readonly DateTimeOffset _started = time.GetUtcNow();

    public IEnumerable<PathEntry> Entries =>
        [
            new("leader")
            {
                Help = "Tells which node is active: this one.",
                Access = Access.Anyone,
                WhenSealed = true,
                Read = (_, _) => new(Leader()),
            },
            // Dialects answer it before the pipeline, since the status is the answer. The row is its help and description.
            new("health")
            {
                Help = "Tells by the HTTP status whether the server is initialized, unsealed and active.",
                Access = Access.Anyone,
                WhenSealed = true,
                Read = (_, _) => new(Fault.Unsupported()),
            },
            new("ha-status") { Help = "Lists the nodes.", Read = (_, _) => new(Nodes()) },
            new("replication/status")
            {
                Help = "Tells that nothing is replicated.",
                Access = Access.Anyone,
                Read = (_, _) =>
                    new(
                        Response.Object(writer =>
                        {
                            foreach (var kind in new[] { "dr", "performance" })
                            {
                                writer.WriteStartObject(kind);
                                writer.WriteString("mode", "disabled");
                                writer.WriteEndObject();
                            }
                        })
                    ),
            },
            new("config/state/sanitized")
            {
                Help = "Shows the server's configuration, without anything secret.",
                Read = (_, _) => new(Configuration()),
            },
            new("metrics")
            {
                Help = "Counters and gauges as JSON, or as Prometheus text.",
                Fields = [new("format", FieldType.String, "prometheus, or nothing for JSON.")],
                Read = (request, _) => new(Metrics(request.Fields.String("format"))),
            },
        ];

    private Outcome Metrics(string format) =>
        metrics(format) is { } found
            ? new Response(found.Body) { ContentType = found.ContentType }
            : Fault.Invalid("metric response format unknown: it is prometheus, or nothing for JSON");

    private Response Leader() =>
        Response.Object(
            ResponseShape.Bare,
            writer =>
            {
                writer.WriteBoolean("ha_enabled", false);
                writer.WriteBoolean("is_self", false);
                writer.WriteString("active_time", "0001-01-01T00:00:00Z");
                writer.WriteString("leader_address", "");
                writer.WriteString("leader_cluster_address", "");
                writer.WriteBoolean("performance_standby", false);
                writer.WriteNumber("performance_standby_last_remote_wal", 0);
            }
        );

    private Response Nodes() =>
        Response.Object(
            ResponseShape.EnvelopeAndTop,
            writer =>
            {
                writer.WriteStartArray("nodes");
                writer.WriteStartObject();
                writer.WriteBoolean("active_node", true);
                writer.WriteString("api_address", server.ApiAddress());
                writer.WriteString("cluster_address", server.ClusterAddress);
                writer.WriteString("hostname", Environment.MachineName);
                writer.WriteNull("last_echo");
                writer.WriteString("version", server.Version);
                writer.WriteEndObject();
                writer.WriteEndArray();
            }
        );

    private Response Configuration() =>
        Response.Object(writer =>
        {
            writer.WriteString("api_addr", server.ApiAddress());
            writer.WriteString("cluster_addr", server.ClusterAddress);
            writer.WriteString("cluster_name", server.ClusterName);
            writer.WriteNumber("default_lease_ttl", (long)server.DefaultLeaseTtl.TotalSeconds);
            writer.WriteNumber("max_lease_ttl", (long)server.MaxLeaseTtl.TotalSeconds);
            writer.WriteString("started", GoTime.Format(_started));
            writer.WriteStartObject("storage");
            writer.WriteString("type", storageType);
            writer.WriteEndObject();
        });
}
