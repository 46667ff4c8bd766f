using System.Diagnostics.Metrics;
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
