using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Mayfly.Server.Telemetry;

/// <summary>What an instrument has measured for one set of labels. Safe for concurrent use.</summary>
internal sealed class MetricSeries(string labels)
{
    /// <summary>Upper bounds of a histogram's buckets, in seconds: from a cached read to a request at its limit.</summary>
    private static readonly double[] Bounds = [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 90];

    private readonly Lock _gate = new();
    private readonly long[] _buckets = new long[Bounds.Length + 1];
    private double _value;
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
