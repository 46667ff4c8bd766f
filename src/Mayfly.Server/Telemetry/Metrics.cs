using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Mayfly.Server.Telemetry;

/// <summary>
/// Gathers what the instruments of the server, of Kestrel and of the runtime measure, and shows it as Prometheus text or as JSON.
/// Safe for concurrent use.
/// </summary>
internal sealed class Metrics : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Meters that are not ours, and worth showing.</summary>
    private static readonly string[] Foreign = ["System.Runtime", "Microsoft.AspNetCore.Server.Kestrel"];

    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, Family> _families = new(StringComparer.Ordinal);

    private readonly TimeProvider _time;
    private readonly long _started;

    public Metrics(TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _started = _time.GetTimestamp();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            var meter = instrument.Meter.Name;
            if (meter.StartsWith("Mayfly", StringComparison.Ordinal) || Foreign.Contains(meter))
            {
                listener.EnableMeasurementEvents(instrument, FamilyOf(instrument));
            }
        };
        _listener.SetMeasurementEventCallback<byte>((_, value, tags, state) => Take(state, value, tags));
        _listener.SetMeasurementEventCallback<int>((_, value, tags, state) => Take(state, value, tags));
        _listener.SetMeasurementEventCallback<long>((_, value, tags, state) => Take(state, value, tags));
        _listener.SetMeasurementEventCallback<float>((_, value, tags, state) => Take(state, value, tags));
        _listener.SetMeasurementEventCallback<double>((_, value, tags, state) => Take(state, value, tags));
        _listener.Start();
    }

    /// <summary>Everything, in the text format of Prometheus.</summary>
    public string Text()
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder(16 * 1024);
        foreach (var family in _families.Values.OrderBy(family => family.Name, StringComparer.Ordinal))
        {
            family.Write(text);
        }

        return text.ToString();
    }

    /// <summary>What <c>sys/metrics</c> answers for a format: <c>prometheus</c>, or "" for JSON; null for others.</summary>
    public (string ContentType, byte[] Body)? Read(string format) =>
        format switch
        {
            "prometheus" => (ContentType, Encoding.UTF8.GetBytes(Text())),
            "" => ("application/json", Json()),
            _ => null,
        };

    public void Dispose() => _listener.Dispose();

    /// <summary>Everything, in the JSON that Vault gives; sums run since the start, not over ten seconds.</summary>
    private byte[] Json()
    {
        _listener.RecordObservableInstruments();
        var seconds = _time.GetElapsedTime(_started).TotalSeconds;
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString(
                "Timestamp",
                _time.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ss '+0000 UTC'", CultureInfo.InvariantCulture)
            );
            foreach (var kind in Enum.GetValues<MetricKind>())
            {
                writer.WriteStartArray(kind + "s");
                foreach (var family in _families.Values.OrderBy(family => family.Name, StringComparer.Ordinal))
                {
                    if (family.Kind == kind)
                    {
                        family.Write(writer, seconds);
                    }
                }

                writer.WriteEndArray();
            }

            writer.WriteStartArray("Points");
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private Family FamilyOf(Instrument instrument)
    {
        var family = new Family(instrument);
        return _families.GetOrAdd(family.Name, family);
    }

    private static void Take(object? state, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        ((Family)state!).Take(value, tags);

    /// <summary>One metric with all its series.</summary>
    private sealed class Family
    {
        private readonly ConcurrentDictionary<string, MetricSeries> _series = new(StringComparer.Ordinal);
        private readonly MetricSeries _plain = new("", []);
        private readonly string _help;
        private readonly string _type;
        private readonly bool _observed;
        private volatile bool _plainIsShown;

        public Family(Instrument instrument)
        {
            _observed = instrument.IsObservable;
            _help = (instrument.Description ?? "").ReplaceLineEndings(" ");
            var kind = instrument.GetType().Name;
            _type =
                kind.StartsWith("Histogram", StringComparison.Ordinal) ? "histogram"
                : kind.StartsWith("Counter", StringComparison.Ordinal)
                || kind.StartsWith("ObservableCounter", StringComparison.Ordinal)
                    ? "counter"
                : "gauge";
            var unit = instrument.Unit switch
            {
                "s" => "_seconds",
                "By" => "_bytes",
                _ => "",
            };
            var name = MetricSeries.NameOf(instrument.Name);
            name += name.EndsWith(unit, StringComparison.Ordinal) ? "" : unit;
            Name = name + (_type == "counter" && !name.EndsWith("_total", StringComparison.Ordinal) ? "_total" : "");
        }

        public string Name { get; }

        public void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var series = tags.IsEmpty ? _plain : Labelled(tags);
            if (tags.IsEmpty && !_plainIsShown)
            {
                _series.TryAdd("", _plain);
                _plainIsShown = true;
            }

            if (_observed)
            {
                series.Set(value);
            }
            else if (_type == "histogram")
            {
                series.Record(value);
            }
            else
            {
                series.Add(value);
            }
        }

        public void Write(StringBuilder text)
        {
            if (_series.IsEmpty)
            {
                return;
            }

            text.Append("# HELP ").Append(Name).Append(' ').Append(_help).Append('\n');
            text.Append("# TYPE ").Append(Name).Append(' ').Append(_type).Append('\n');
            foreach (var series in _series.Values.OrderBy(series => series.Labels, StringComparer.Ordinal))
            {
                series.Write(text, Name, _type == "histogram");
            }
        }

        public MetricKind Kind =>
            _type switch
            {
                "histogram" => MetricKind.Sample,
                "counter" => MetricKind.Counter,
                _ => MetricKind.Gauge,
            };

        public void Write(Utf8JsonWriter writer, double seconds)
        {
            foreach (var series in _series.Values.OrderBy(series => series.Labels, StringComparer.Ordinal))
            {
                series.Write(writer, Name, Kind, seconds);
            }
        }

        private MetricSeries Labelled(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var labels = MetricSeries.LabelsOf(tags);
            return _series.TryGetValue(labels, out var known)
                ? known
                : _series.GetOrAdd(labels, new MetricSeries(labels, MetricSeries.TagsOf(tags)));
        }
    }
}
