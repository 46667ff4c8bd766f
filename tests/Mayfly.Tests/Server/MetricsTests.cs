using System.Diagnostics.Metrics;
using System.Text.Json;
using Mayfly.Server.Telemetry;

namespace Mayfly.Tests.Server;

public sealed class MetricsTests
{
    [Fact]
    public void Instruments_become_Prometheus_text()
    {
        using var metrics = new Metrics();
        using var meter = new Meter("Mayfly.Test");
        var counter = meter.CreateCounter<long>("mayfly.test.things", null, "Things\nthat happened.");
        var histogram = meter.CreateHistogram<double>("mayfly.test.wait", "s");
        meter.CreateObservableGauge("mayfly.test.level", () => 2.5);
        counter.Add(1);
        counter.Add(2);
        counter.Add(5, new KeyValuePair<string, object?>("kind", "a\"b\\c\nd"));
        histogram.Record(0.003);
        histogram.Record(1000);

        var text = metrics.Text();

        Assert.Contains("# HELP mayfly_test_things_total Things that happened.\n", text);
        Assert.Contains("# TYPE mayfly_test_things_total counter\n", text);
        Assert.Contains("\nmayfly_test_things_total 3\n", text);
        Assert.Contains("\nmayfly_test_things_total{kind=\"a\\\"b\\\\c\\nd\"} 5\n", text);
        Assert.Contains("# TYPE mayfly_test_wait_seconds histogram\n", text);
        Assert.Contains("\nmayfly_test_wait_seconds_bucket{le=\"0.001\"} 0\n", text);
        Assert.Contains("\nmayfly_test_wait_seconds_bucket{le=\"0.005\"} 1\n", text);
        Assert.Contains("\nmayfly_test_wait_seconds_bucket{le=\"+Inf\"} 2\n", text);
        Assert.Contains("\nmayfly_test_wait_seconds_sum 1000.003\n", text);
        Assert.Contains("\nmayfly_test_wait_seconds_count 2\n", text);
        Assert.Contains("\nmayfly_test_level 2.5\n", text);
    }

    [Fact]
    public void Instruments_become_the_JSON_that_Vault_gives()
    {
        using var metrics = new Metrics();
        using var meter = new Meter("Mayfly.Json");
        var counter = meter.CreateCounter<long>("mayfly.json.things");
        var histogram = meter.CreateHistogram<double>("mayfly.json.wait", "s");
        meter.CreateObservableGauge("mayfly.json.level", () => 2.5);
        counter.Add(5, new KeyValuePair<string, object?>("kind", "a\"b"));
        histogram.Record(1);
        histogram.Record(3);

        var (type, body) = metrics.Read("")!.Value;
        var json = JsonDocument.Parse(body).RootElement;

        Assert.Equal("application/json", type);
        Assert.Equal(2.5, Find(json, "Gauges", "mayfly_json_level").GetProperty("Value").GetDouble());
        var things = Find(json, "Counters", "mayfly_json_things_total");
        Assert.Equal(5, things.GetProperty("Count").GetInt64());
        Assert.Equal("a\"b", things.GetProperty("Labels").GetProperty("kind").GetString());
        var wait = Find(json, "Samples", "mayfly_json_wait_seconds");
        Assert.Equal(
            (2, 4.0, 1.0, 3.0, 2.0),
            (
                wait.GetProperty("Count").GetInt32(),
                wait.GetProperty("Sum").GetDouble(),
                wait.GetProperty("Min").GetDouble(),
                wait.GetProperty("Max").GetDouble(),
                wait.GetProperty("Mean").GetDouble()
            )
        );
        Assert.Equal(Math.Sqrt(2), wait.GetProperty("Stddev").GetDouble(), 1e-9);
        Assert.Null(metrics.Read("openmetrics"));
    }

    private static JsonElement Find(JsonElement json, string list, string name) =>
        json.GetProperty(list).EnumerateArray().Single(item => item.GetProperty("Name").GetString() == name);

    [Fact]
    public void Foreign_meters_are_not_shown()
    {
        using var metrics = new Metrics();
        using var meter = new Meter("Somebody.Else");
        meter.CreateCounter<int>("somebody.else").Add(1);

        Assert.DoesNotContain("somebody", metrics.Text());
    }

    [Fact]
    public void Answers_are_counted_by_status()
    {
        using var metrics = new Metrics();
        using var counts = new RequestCounts();
        counts.Begin();
        counts.End(299);
        counts.Begin();
        counts.End(299);

        Assert.Contains("\nmayfly_http_requests_total{status=\"299\"} 2\n", metrics.Text());
    }
}
