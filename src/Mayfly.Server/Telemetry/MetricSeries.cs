using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Mayfly.Server.Telemetry;

/// <summary>What an instrument has measured for one set of labels. Safe for concurrent use.</summary>
internal sealed class MetricSeries(string labels, KeyValuePair<string, string>[] tags)
{
    /// <summary>Upper bounds of a histogram's buckets, in seconds: from a cached read to a request at its limit.</summary>
    private static readonly double[] Bounds = [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 90];

    private readonly Lock _gate = new();
    private readonly long[] _buckets = new long[Bounds.Length + 1];
    private readonly KeyValuePair<string, string>[] _tags = tags;
    private double _value;
    private double _squares;
    private double _least = double.PositiveInfinity;
    private double _most = double.NegativeInfinity;
    private long _count;

    /// <summary>As in the exposition, without braces: <c>kind="a",status="200"</c>.</summary>
    public string Labels => labels;

    public void Add(double amount)
    {
        lock (_gate)
        {
            _value += amount;
        }
    }

    public void Set(double value)
    {
        lock (_gate)
        {
            _value = value;
        }
    }

    public void Record(double value)
    {
        lock (_gate)
        {
            _value += value;
            _squares += value * value;
            _least = Math.Min(_least, value);
            _most = Math.Max(_most, value);
            _count++;
            var bucket = Array.BinarySearch(Bounds, value);
            _buckets[bucket < 0 ? ~bucket : bucket]++;
        }
    }

    /// <summary>The lines of this series.</summary>
    public void Write(StringBuilder text, string name, bool histogram)
    {
        lock (_gate)
        {
            if (!histogram)
            {
                Line(text, name, labels, _value);
                return;
            }

            var below = 0L;
            var before = labels.Length == 0 ? "" : labels + ",";
            for (var i = 0; i < _buckets.Length; i++)
            {
                below += _buckets[i];
                var bound = i < Bounds.Length ? Number(Bounds[i]) : "+Inf";
                Line(text, name + "_bucket", $"{before}le=\"{bound}\"", below);
            }

            Line(text, name + "_sum", labels, _value);
            Line(text, name + "_count", labels, _count);
        }
    }

    /// <summary>This series as Vault's <c>sys/metrics</c> shows one: a gauge has a value, a counter and a sample have sums.</summary>
    public void Write(Utf8JsonWriter writer, string name, MetricKind kind, double seconds)
    {
        lock (_gate)
        {
            writer.WriteStartObject();
            writer.WriteString("Name", name);
            if (kind == MetricKind.Gauge)
            {
                writer.WriteNumber("Value", _value);
            }
            else
            {
                var count = kind == MetricKind.Sample ? _count : (long)_value;
                writer.WriteNumber("Count", count);
                writer.WriteNumber("Rate", seconds > 0 ? _value / seconds : 0);
                writer.WriteNumber("Sum", _value);
                writer.WriteNumber("Min", _count > 0 ? _least : 0);
                writer.WriteNumber("Max", _count > 0 ? _most : 0);
                writer.WriteNumber("Mean", _count > 0 ? _value / _count : 0);
                writer.WriteNumber("Stddev", Deviation());
            }

            writer.WriteStartObject(nameof(Labels));
            foreach (var (key, value) in _tags)
            {
                writer.WriteString(key, value);
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }
    }

    /// <summary>The tags as names and values.</summary>
    public static KeyValuePair<string, string>[] TagsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var texts = new KeyValuePair<string, string>[tags.Length];
        for (var i = 0; i < texts.Length; i++)
        {
            var value = Convert.ToString(tags[i].Value, CultureInfo.InvariantCulture) ?? "";
            texts[i] = new KeyValuePair<string, string>(NameOf(tags[i].Key), value);
        }

        return texts;
    }

    /// <summary>Labels of the exposition from an instrument's tags.</summary>
    public static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
        {
            return "";
        }

        var text = new StringBuilder();
        foreach (var (key, value) in tags)
        {
            text.Append(text.Length == 0 ? "" : ",").Append(NameOf(key)).Append("=\"");
            foreach (var c in Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")
            {
                _ = c switch
                {
                    '\\' => text.Append(@"\\"),
                    '"' => text.Append("\\\""),
                    '\n' => text.Append("\\n"),
                    _ => text.Append(c),
                };
            }

            text.Append('"');
        }

        return text.ToString();
    }

    /// <summary>A name with the characters that Prometheus allows.</summary>
    public static string NameOf(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));

    private double Deviation() =>
        _count < 2 ? 0 : Math.Sqrt(Math.Max(0, (_squares - _value * _value / _count) / (_count - 1)));

    private static void Line(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').Append(labels).Append('}');
        }

        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}

/// <summary>The three lists of Vault's <c>sys/metrics</c>.</summary>
internal enum MetricKind
{
    Gauge,
    Counter,
    Sample,
}
