using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Mayfly.Agent.Telemetry;

/// <summary>What the agent counts, by Vault Agent's names. Safe for concurrent use.</summary>
internal sealed class AgentMetrics(TimeProvider time)
{
    private readonly long _started = time.GetTimestamp();

    public Counter AuthSuccess { get; } = new("vault.agent.auth.success", "Logins that succeeded");

    public Counter AuthFailure { get; } = new("vault.agent.auth.failure", "Logins and renewals that failed");

    public Counter ProxySuccess { get; } =
        new("vault.agent.proxy.success", "Requests that were passed on and succeeded");

    public Counter ProxyClientError { get; } =
        new("vault.agent.proxy.client_error", "Requests that the server refused");

    public Counter ProxyError { get; } = new("vault.agent.proxy.error", "Requests that could not be passed on");

    public Counter CacheHit { get; } = new("vault.agent.cache.hit", "Requests that were answered from the cache");

    public Counter CacheMiss { get; } = new("vault.agent.cache.miss", "Requests that the cache had no answer for");

    public Counter Renewals { get; } =
        new("vault.agent.cache.renewal", "Leases and tokens of the cache that were renewed");

    public Counter RenewalFailures { get; } = new("vault.agent.cache.renewal_failure", "Renewals that failed");

    public Counter SinkWrites { get; } = new("vault.agent.sink.write", "Tokens that were written to sinks");

    public Counter SinkFailures { get; } =
        new("vault.agent.sink.failure", "Tokens that could not be written to a sink");

    /// <summary>Whether the agent is logged in.</summary>
    public volatile bool IsAuthenticated;

    /// <summary>How many responses the cache holds.</summary>
    public Func<int> CacheEntries { get; set; } = static () => 0;

    private Counter[] Counters =>
        [
            AuthSuccess,
            AuthFailure,
            ProxySuccess,
            ProxyClientError,
            ProxyError,
            CacheHit,
            CacheMiss,
            Renewals,
            RenewalFailures,
            SinkWrites,
            SinkFailures,
        ];

    private (string Name, string Help, double Value)[] Gauges()
    {
        using var self = Process.GetCurrentProcess();
        return
        [
            ("vault.agent.authenticated", "1 when the agent is logged in", IsAuthenticated ? 1 : 0),
            ("vault.agent.cache.entries", "Responses in the cache", CacheEntries()),
            ("vault.agent.uptime_seconds", "Since the agent was started", time.GetElapsedTime(_started).TotalSeconds),
            ("vault.agent.resident_memory_bytes", "Memory of the process that is in use", self.WorkingSet64),
        ];
    }

    /// <summary>Prometheus's text.</summary>
    public byte[] Prometheus()
    {
        var text = new StringBuilder();
        foreach (var counter in Counters)
        {
            Append(counter.Name, counter.Help, "counter", counter.Value);
        }

        foreach (var (name, help, value) in Gauges())
        {
            Append(name, help, "gauge", value);
        }

        return Encoding.UTF8.GetBytes(text.ToString());

        void Append(string name, string help, string type, double value)
        {
            var plain = name.Replace('.', '_');
            text.Append(
                CultureInfo.InvariantCulture,
                $"# HELP {plain} {help}\n# TYPE {plain} {type}\n{plain} {value}\n"
            );
        }
    }

    /// <summary>Vault's JSON.</summary>
    public byte[] Json()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString(
                "Timestamp"u8,
                time.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ss +0000 'UTC'", CultureInfo.InvariantCulture)
            );
            json.WriteStartArray("Gauges"u8);
            foreach (var (name, _, value) in Gauges())
            {
                json.WriteStartObject();
                json.WriteString("Name"u8, name);
                json.WriteNumber("Value"u8, value);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("Counters"u8);
            foreach (var counter in Counters)
            {
                json.WriteStartObject();
                json.WriteString("Name"u8, counter.Name);
                json.WriteNumber("Count"u8, counter.Value);
                json.WriteNumber("Sum"u8, counter.Value);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("Samples"u8);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    /// <summary>A number that only grows.</summary>
    internal sealed class Counter(string name, string help)
    {
        private long _value;

        public string Name => name;

        public string Help => help;

        public long Value => Interlocked.Read(ref _value);

        public void Add() => Interlocked.Increment(ref _value);
    }
}
