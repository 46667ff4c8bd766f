using System.Globalization;
using System.Text;

namespace Mayfly.Agent.Kubernetes;

/// <summary>Counts, as Prometheus reads them. Safe for concurrent use.</summary>
internal sealed class InjectorMetrics
{
    private readonly long[] _reviews = new long[Enum.GetValues<AdmissionOutcome>().Length];
    private long _ticks;

    public void Count(AdmissionOutcome outcome, TimeSpan took)
    {
        Interlocked.Increment(ref _reviews[(int)outcome]);
        Interlocked.Add(ref _ticks, took.Ticks);
    }

    public string Text(long certificateEnd)
    {
        var text = new StringBuilder();
        text.Append("# HELP mayfly_injector_reviews_total Reviews answered, by what became of them.\n");
        text.Append("# TYPE mayfly_injector_reviews_total counter\n");
        var total = 0L;
        foreach (var outcome in Enum.GetValues<AdmissionOutcome>())
        {
            var count = Interlocked.Read(ref _reviews[(int)outcome]);
            total += count;
            text.Append(
                CultureInfo.InvariantCulture,
                $"mayfly_injector_reviews_total{{outcome=\"{Name(outcome)}\"}} {count}\n"
            );
        }

        text.Append("# HELP mayfly_injector_review_seconds Time that reviews took to answer.\n");
        text.Append("# TYPE mayfly_injector_review_seconds summary\n");
        var seconds = TimeSpan.FromTicks(Interlocked.Read(ref _ticks)).TotalSeconds;
        text.Append(CultureInfo.InvariantCulture, $"mayfly_injector_review_seconds_sum {seconds:0.######}\n");
        text.Append(CultureInfo.InvariantCulture, $"mayfly_injector_review_seconds_count {total}\n");
        text.Append("# HELP mayfly_injector_certificate_end_seconds When the certificate in use ends, Unix time.\n");
        text.Append("# TYPE mayfly_injector_certificate_end_seconds gauge\n");
        text.Append(CultureInfo.InvariantCulture, $"mayfly_injector_certificate_end_seconds {certificateEnd}\n");
        return text.ToString();
    }

    private static string Name(AdmissionOutcome outcome) =>
        outcome switch
        {
            AdmissionOutcome.Malformed => "malformed",
            AdmissionOutcome.Passed => "passed",
            AdmissionOutcome.Injected => "injected",
            AdmissionOutcome.Refused => "refused",
            _ => "admitted_invalid",
        };
}
