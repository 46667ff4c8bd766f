using System.Diagnostics.Metrics;

namespace Mayfly.Server.Telemetry;

/// <summary>
/// Counts answers by status. The counts are plain numbers that are read when somebody asks for metrics: a request pays one
/// interlocked addition, and no instrument's callback.
/// </summary>
internal sealed class RequestCounts : IDisposable
{
    private const int Lowest = 100;
    private const int Highest = 599;

    private readonly Meter _meter = new("Mayfly");
    private readonly long[] _byStatus = new long[Highest - Lowest + 1];
    private long _running;

    public RequestCounts()
    {
        _meter.CreateObservableCounter("mayfly.http.requests", Read, null, "Answers by HTTP status.");
        _meter.CreateObservableUpDownCounter(
            "mayfly.http.active_requests",
            () => Interlocked.Read(ref _running),
            null,
            "Requests that are being answered."
        );
    }

    public void Begin() => Interlocked.Increment(ref _running);

    public void End(int status)
    {
        Interlocked.Decrement(ref _running);
        if (status is >= Lowest and <= Highest)
        {
            Interlocked.Increment(ref _byStatus[status - Lowest]);
        }
    }

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> Read()
    {
        for (var i = 0; i < _byStatus.Length; i++)
        {
            var count = Interlocked.Read(ref _byStatus[i]);
            if (count > 0)
            {
                yield return new Measurement<long>(count, new KeyValuePair<string, object?>("status", i + Lowest));
            }
        }
    }
}
