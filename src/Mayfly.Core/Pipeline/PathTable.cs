namespace Mayfly.Core.Pipeline;

/// <summary>An engine's paths. The first row that matches wins, so specific rows stand before general ones. Immutable.</summary>
public sealed class PathTable
{
    private readonly Row[] _rows;

    public PathTable(params IEnumerable<PathEntry> entries)
    {
        _rows = [.. entries.Select(entry => new Row(entry))];
        Entries = [.. _rows.Select(row => row.Entry)];
    }

    public IReadOnlyList<PathEntry> Entries { get; }

    /// <summary>The row for a path below the engine's mount, or null.</summary>
    public PathMatch? Match(string path)
    {
        foreach (var row in _rows)
        {
            if (row.TryMatch(path, out var captures))
            {
                return new PathMatch(row.Entry, captures);
            }
        }

        return null;
    }

    private sealed class Row
    {
        private readonly string[] _segments;
        private readonly string? _rest;
        private readonly string _suffix = "";

        public Row(PathEntry entry)
        {
            Entry = entry;
            var segments = entry.Pattern.Split('/', StringSplitOptions.RemoveEmptyEntries).ToList();
            var rest = segments.FindIndex(segment => segment.EndsWith("*}", StringComparison.Ordinal));
            if (rest >= 0)
            {
                _rest = segments[rest][1..^2];
                _suffix = string.Concat(segments.Skip(rest + 1).Select(segment => "/" + segment));
                segments.RemoveRange(rest, segments.Count - rest);
            }

            _segments = [.. segments];
        }

        public PathEntry Entry { get; }

        public bool TryMatch(string path, out PathCaptures captures)
        {
            captures = default;
            var rest = path.AsSpan();
            foreach (var segment in _segments)
            {
                if (rest.IsEmpty)
                {
                    return false;
                }

                var slash = rest.IndexOf('/');
                var head = slash < 0 ? rest : rest[..slash];
                if (segment[0] == '{')
                {
                    if (head.IsEmpty)
                    {
                        return false;
                    }

                    captures = captures.Add(segment[1..^1], head.ToString());
                }
                else if (!head.Equals(segment, StringComparison.Ordinal))
                {
                    return false;
                }

                rest = slash < 0 ? [] : rest[(slash + 1)..];
            }

            if (_rest is null)
            {
                return rest.IsEmpty;
            }

            if (_suffix.Length > 0)
            {
                if (!rest.EndsWith(_suffix, StringComparison.Ordinal))
                {
                    return false;
                }

                rest = rest[..^_suffix.Length];
            }

            captures = captures.Add(_rest, rest.ToString());
            return true;
        }
    }
}

/// <summary>A row of a path table together with what the path's variable parts are.</summary>
public sealed record PathMatch(PathEntry Entry, PathCaptures Captures);

/// <summary>The variable parts of a path; there are never more than three.</summary>
public readonly struct PathCaptures
{
    private readonly (string Name, string Value) _first;
    private readonly (string Name, string Value) _second;
    private readonly (string Name, string Value) _third;

    private PathCaptures(
        (string Name, string Value) first,
        (string Name, string Value) second,
        (string Name, string Value) third
    )
    {
        _first = first;
        _second = second;
        _third = third;
    }

    /// <summary>The part called <paramref name="name"/>, or null.</summary>
    public string? this[string name] =>
        _first.Name == name ? _first.Value
        : _second.Name == name ? _second.Value
        : _third.Name == name ? _third.Value
        : null;

    internal PathCaptures Add(string name, string value) =>
        _first.Name is null ? new((name, value), default, default)
        : _second.Name is null ? new(_first, (name, value), default)
        : _third.Name is null ? new(_first, _second, (name, value))
        : throw new InvalidOperationException("A path pattern has at most three variable parts.");
}
