using System.Diagnostics;
using Mayfly.Client.OpenTelemetry;
using Mayfly.Client.Redaction;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Trace;

namespace Mayfly.Tests.Client.Redaction;

public sealed class TelemetryRedactionTests
{
    private const string Secret = "kR7-mayfly:canary/02";

    private readonly Redactor _redactor = new(new SecretRegistry());

    public TelemetryRedactionTests() => _redactor.Registry.Add(Secret);

    [Fact]
    public void Spans_lose_secrets_in_all_they_have_even_when_the_exporter_was_added_first()
    {
        using var source = new ActivitySource(
            nameof(Spans_lose_secrets_in_all_they_have_even_when_the_exporter_was_added_first)
        );
        var exporter = new Keep<Activity>();
        using (
            Sdk.CreateTracerProviderBuilder()
                .AddSource(source.Name)
                .AddProcessor(new SimpleActivityExportProcessor(exporter))
                .AddMayflyRedaction(_redactor)
                .Build()
        )
        {
            using var activity = source.StartActivity($"GET /{Secret}")!;
            activity.SetTag("url", $"https://h/?p={Uri.EscapeDataString(Secret)}").SetTag("count", 7);
            activity.AddTag("twice", "a").AddTag("twice", Secret).SetTag(Secret, "as a name");
            activity.SetTag("list", new[] { "a", Secret });
            activity.AddEvent(new ActivityEvent($"saw {Secret}", tags: new() { ["pw"] = Secret, ["ok"] = 1 }));
            activity.AddException(new InvalidOperationException($"pw={Secret}"));
            activity.AddLink(new ActivityLink(activity.Context, new() { ["pw"] = Secret }));
            var context = activity.Context;
            activity.AddLink(
                new ActivityLink(
                    new ActivityContext(context.TraceId, context.SpanId, context.TraceFlags, $"v={Secret}"),
                    new() { ["ok"] = 2 }
                )
            );
            activity.SetStatus(ActivityStatusCode.Error, $"no: {Secret}");
            activity.TraceStateString = $"v={Secret}";
        }

        var span = exporter.Items.Single();
        Assert.Equal("GET /[redacted]", span.DisplayName);
        Assert.Equal("no: [redacted]", span.StatusDescription);
        Assert.Equal(ActivityStatusCode.Error, span.Status);
        Assert.Null(span.TraceStateString);
        Assert.Equal(
            [
                ("url", "https://h/?p=[redacted]"),
                ("count", 7),
                ("twice", "a"),
                ("twice", Redactor.Mask),
                (Redactor.Mask, "as a name"),
            ],
            span.TagObjects.Where(tag => tag.Key != "list").Select(tag => (tag.Key, tag.Value))
        );
        Assert.Equal(["a", Redactor.Mask], Assert.IsType<string[]>(span.GetTagItem("list")));
        Assert.Equal(["saw [redacted]", "exception"], span.Events.Select(item => item.Name));
        Assert.Equal([new("pw", Redactor.Mask), new("ok", 1)], span.Events.First().Tags);
        Assert.DoesNotContain(
            span.Events.Last().Tags,
            tag => $"{tag.Value}".Contains(Secret, StringComparison.Ordinal)
        );
        Assert.Equal([new("pw", Redactor.Mask)], span.Links.First().Tags!);
        Assert.Equal([new("ok", 2)], span.Links.Last().Tags!);
        Assert.All(span.Links, link => Assert.Equal(span.Context.SpanId, link.Context.SpanId));
        Assert.All(span.Links, link => Assert.Null(link.Context.TraceState));
    }

    [Fact]
    public void Spans_without_secrets_stay_as_they_are_and_cost_no_memory()
    {
        using var source = new ActivitySource(nameof(Spans_without_secrets_stay_as_they_are_and_cost_no_memory));
        using var listener = new ActivityListener
        {
            ShouldListenTo = one => one.Name == source.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
        };
        ActivitySource.AddActivityListener(listener);
        using var processor = new ActivityRedactionProcessor(_redactor);
        using var activity = source.StartActivity("work")!;
        activity.SetTag("http.request.method", "GET").SetTag("count", "12");
        processor.OnEnd(activity);

        var before = GC.GetAllocatedBytesForCurrentThread();
        processor.OnEnd(activity);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal("work", activity.DisplayName);
    }

    [Fact]
    public void Log_records_lose_secrets_even_when_the_exporter_was_added_first()
    {
        var exporter = new Keep<LogRecord>();
        using (
            var factory = LoggerFactory.Create(logging =>
                logging
                    .AddOpenTelemetry(options => options.IncludeFormattedMessage = true)
                    .Services.ConfigureOpenTelemetryLoggerProvider(provider =>
                        provider
                            .AddProcessor(new SimpleLogRecordExportProcessor(exporter))
                            .AddMayflyRedaction(_redactor)
                    )
            )
        )
        {
            factory
                .CreateLogger("test")
                .LogError(new InvalidOperationException(Secret), "{A}{B} at {Place}", "kR7-mayfly", ":canary/02", "h");
        }

        var (message, body, fields, exception) = exporter.Records.Single();
        Assert.Equal("[redacted] at h", message);
        Assert.Equal("{A}{B} at {Place}", body);
        Assert.Equal([Redactor.Mask, Redactor.Mask, "h", "{A}{B} at {Place}"], fields.Select(pair => pair.Value));
        Assert.DoesNotContain(Secret, exception!.ToString(), StringComparison.Ordinal);
    }

    private sealed class Keep<T> : BaseExporter<T>
        where T : class
    {
        public List<T> Items { get; } = [];

        // Records are used again for others.
        public List<(
            string? Message,
            string? Body,
            KeyValuePair<string, object?>[] Fields,
            Exception? Exception
        )> Records { get; } = [];

        public override ExportResult Export(in Batch<T> batch)
        {
            foreach (var item in batch)
            {
                Items.Add(item);
                if (item is LogRecord record)
                {
                    Records.Add((record.FormattedMessage, record.Body, [.. record.Attributes ?? []], record.Exception));
                }
            }

            return ExportResult.Success;
        }
    }
}
