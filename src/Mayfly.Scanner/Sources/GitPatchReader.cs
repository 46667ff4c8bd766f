using System.Buffers;
using System.Globalization;
using System.Text;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Scanner.Sources;

/// <summary>
/// Reads patches without context lines as git writes them (https://git-scm.com/docs/diff-generate-patch): the added lines
/// of every hunk are a fragment. Commits are told by a header of <see cref="Format"/>. One owner.
/// </summary>
/// <param name="patch">What git writes.</param>
/// <param name="tally">Counts commits, files and bytes.</param>
/// <param name="binaries">Gets the files of which git shows no lines.</param>
internal sealed class GitPatchReader(Stream patch, ScanTally tally, List<BinaryFile> binaries)
{
    /// <summary>
    /// For <c>--pretty=format:</c>. It begins with a zero byte, which no line of a patch does, and ends with one, which no
    /// commit has inside.
    /// </summary>
    public const string Format = "%x00%H%x00%an%x00%ae%x00%aI%x00%B%x00";

    private readonly byte[] _buffer = new byte[128 << 10];
    private readonly ArrayBufferWriter<byte> _line = new();
    private int _from;
    private int _to;

    private CommitInfo? _commit;
    private string _path = "";
    private string _blob = "";

    /// <summary>Each file that is added or changed, with the added lines of one hunk; a new file comes with no lines first.</summary>
    public IEnumerable<Fragment> Read()
    {
        while (NextLine(out var line))
        {
            if (line.Span.StartsWith((ReadOnlySpan<byte>)[0]))
            {
                ReadCommit(line.Span);
            }
            else if (
                line.Span.StartsWith("diff --git "u8)
                || line.Span.StartsWith("diff --cc "u8)
                || line.Span.StartsWith("diff --combined "u8)
            )
            {
                _path = PathOfHeader(line.Span);
                _blob = "";
            }
            else if (line.Span.StartsWith("rename to "u8) || line.Span.StartsWith("copy to "u8))
            {
                _path = NameOf(line.Span[(line.Span.IndexOf(" to "u8) + 4)..]);
            }
            else if (line.Span.StartsWith("index "u8))
            {
                _blob = BlobOf(line.Span);
            }
            else if (line.Span.StartsWith("Binary files "u8))
            {
                CountBinaryFile();
                if (!IsDeleted)
                {
                    yield return new Fragment(default, _path, 0) { Commit = _commit };
                }
            }
            else if (line.Span.StartsWith("+++ "u8))
            {
                _path = PathOf(line.Span[4..]);
                if (_path.Length > 0)
                {
                    tally.CountFile();
                    yield return new Fragment(default, _path, 0) { Commit = _commit };
                }
            }
            else if (line.Span.StartsWith("@@ "u8) && HunkOf(line.Span) is { } hunk)
            {
                foreach (var fragment in ReadHunk(hunk))
                {
                    yield return fragment;
                }
            }
            else if (line.Span.StartsWith("@@@ "u8) || line.Span.StartsWith("@@@@"u8))
            {
                foreach (var fragment in ReadCombinedHunk(Encoding.UTF8.GetString(line.Span).Split(' ')))
                {
                    yield return fragment;
                }
            }
        }
    }

    private IEnumerable<Fragment> ReadHunk((int Removed, int FirstLine, int Added) hunk)
    {
        var text = new MemoryStream();
        var (removed, first, added) = hunk;
        var line = first;
        while (removed + added > 0 && NextLine(out var next))
        {
            if (next.Span.StartsWith("-"u8))
            {
                removed--;
                continue;
            }

            if (!next.Span.StartsWith("+"u8))
            {
                // "\ No newline at end of file"
                continue;
            }

            added--;
            line++;
            text.Write(next.Span[1..]);
            text.WriteByte((byte)'\n');
            if (text.Length >= FragmentCutter.Size)
            {
                yield return FragmentOf(text, first);
                text = new MemoryStream();
                first = line;
            }
        }

        if (text.Length > 0)
        {
            yield return FragmentOf(text, first);
        }
    }

    /// <summary>
    /// The lines that a merge has and none of its parents, of <c>@@@ -1,2 -1,3 +1,4 @@@</c>: each line begins with a sign
    /// for each parent (https://git-scm.com/docs/diff-format#_combined_diff_format).
    /// </summary>
    private IEnumerable<Fragment> ReadCombinedHunk(string[] header)
    {
        var parents = header[0].Length - 1;
        var ranges = header
            .Skip(1)
            .Take(parents + 1)
            .Select(each => RangeOf(each[Math.Min(1, each.Length)..]))
            .ToArray();
        if (ranges.Length != parents + 1 || ranges.Any(range => range is null))
        {
            yield break;
        }

        var left = ranges.Select(range => range!.Value.Count).ToArray();
        var (line, first) = (ranges[^1]!.Value.First, 0);
        var text = new MemoryStream();
        while (left.Any(count => count > 0) && NextLine(out var next))
        {
            if (next.Length < parents || next.Span[0] == '\\')
            {
                continue;
            }

            var signs = next.Span[..parents];
            var isRemoved = signs.Contains((byte)'-');
            for (var parent = 0; parent < parents; parent++)
            {
                left[parent] -= signs[parent] == (isRemoved ? '-' : ' ') ? 1 : 0;
            }

            if (isRemoved)
            {
                continue;
            }

            left[parents]--;
            var isOwn = !signs.Contains((byte)' ');
            if (text.Length > 0 && (!isOwn || text.Length >= FragmentCutter.Size))
            {
                yield return FragmentOf(text, first);
                text = new MemoryStream();
            }

            if (isOwn)
            {
                first = text.Length == 0 ? line : first;
                text.Write(next.Span[parents..]);
                text.WriteByte((byte)'\n');
            }

            line++;
        }

        if (text.Length > 0)
        {
            yield return FragmentOf(text, first);
        }
    }

    private Fragment FragmentOf(MemoryStream text, int first) =>
        new(text.GetBuffer().AsMemory(0, (int)text.Length), _path, first) { Commit = _commit };

    /// <summary>How many lines are removed, and which are added: <c>@@ -12,3 +14,2 @@</c>.</summary>
    private static (int Removed, int FirstLine, int Added)? HunkOf(ReadOnlySpan<byte> line)
    {
        var parts = Encoding.UTF8.GetString(line).Split(' ');
        return
            parts is ["@@", ['-', .. var old], ['+', .. var now], "@@", ..]
            && RangeOf(old) is { } before
            && RangeOf(now) is { } after
            ? (before.Count, after.First, after.Count)
            : null;
    }

    private static (int First, int Count)? RangeOf(string range)
    {
        var comma = range.IndexOf(',', StringComparison.Ordinal);
        var first = comma < 0 ? range : range[..comma];
        var count = comma < 0 ? "1" : range[(comma + 1)..];
        return
            int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var from)
            && int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var lines)
            ? (from, lines)
            : null;
    }

    /// <summary>The new content's hash is nothing but zeros.</summary>
    private bool IsDeleted => _path.Length == 0 || _blob.AsSpan().IndexOfAnyExcept('0') < 0;

    private void CountBinaryFile()
    {
        if (IsDeleted)
        {
            tally.CountBinaryFile();
        }
        else
        {
            binaries.Add(new BinaryFile(_path, _blob, _commit));
        }
    }

    /// <summary>The new content's hash: <c>index 83db48f..bf269f4 100644</c>, of merges <c>index fabadb8,cc95eb0..4866510</c>.</summary>
    private static string BlobOf(ReadOnlySpan<byte> line)
    {
        var hash = line[(line.IndexOf(".."u8) + 2)..];
        var end = hash.IndexOf((byte)' ');
        return Encoding.ASCII.GetString(end < 0 ? hash : hash[..end]);
    }

    /// <summary>
    /// The path in <c>diff --git a/x b/x</c>, where both are the same (else a line about the renaming follows), or of a merge in
    /// <c>diff --cc x</c>.
    /// </summary>
    private static string PathOfHeader(ReadOnlySpan<byte> line)
    {
        if (line.StartsWith("diff --cc "u8))
        {
            return NameOf(line["diff --cc ".Length..]);
        }

        if (line.StartsWith("diff --combined "u8))
        {
            return NameOf(line["diff --combined ".Length..]);
        }

        var names = line["diff --git ".Length..];
        if (names.StartsWith("\""u8))
        {
            return Unquoted(names[1..]) is ['a', '/', .. var path] ? path : "";
        }

        var length = (names.Length - "a/ b/".Length) / 2;
        return length > 0 && names[^length..].SequenceCompareTo(names.Slice(2, length)) == 0
            ? Encoding.UTF8.GetString(names[^length..])
            : "";
    }

    /// <summary>The new file's path, or "" for one that was deleted.</summary>
    private static string PathOf(ReadOnlySpan<byte> name)
    {
        // A path with a space is followed by a tab.
        name = name.EndsWith("\t"u8) ? name[..^1] : name;
        return NameOf(name) is ['b', '/', .. var path] ? path : "";
    }

    private static string NameOf(ReadOnlySpan<byte> name) =>
        name.StartsWith("\""u8) ? Unquoted(name[1..]) : Encoding.UTF8.GetString(name);

    /// <summary>A path that git has quoted as C does.</summary>
    private static string Unquoted(ReadOnlySpan<byte> quoted)
    {
        var bytes = new List<byte>();
        for (var i = 0; i < quoted.Length && quoted[i] != '"'; i++)
        {
            if (quoted[i] != '\\' || i + 1 == quoted.Length)
            {
                bytes.Add(quoted[i]);
                continue;
            }

            var kind = quoted[++i];
            if (kind is >= (byte)'0' and <= (byte)'3' && i + 2 < quoted.Length)
            {
                bytes.Add((byte)(((kind - '0') << 6) | ((quoted[i + 1] - '0') << 3) | (quoted[i + 2] - '0')));
                i += 2;
                continue;
            }

            bytes.Add(
                (char)kind switch
                {
                    'a' => 7,
                    'b' => 8,
                    't' => 9,
                    'n' => 10,
                    'v' => 11,
                    'f' => 12,
                    'r' => 13,
                    _ => kind,
                }
            );
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    private void ReadCommit(ReadOnlySpan<byte> firstLine)
    {
        using var header = new MemoryStream();
        header.Write(firstLine);
        while (header.GetBuffer().AsSpan(0, (int)header.Length).Count((byte)0) < 6 && NextLine(out var next))
        {
            header.WriteByte((byte)'\n');
            header.Write(next.Span);
        }

        var fields = Encoding.UTF8.GetString(header.GetBuffer().AsSpan(0, (int)header.Length)).Split('\0');
        if (fields is [_, var hash, var author, var email, var date, var message, ..])
        {
            // git gives the offset +00:00; gitleaks has Z for it.
            var utc = date.EndsWith("+00:00", StringComparison.Ordinal) ? date[..^6] + "Z" : date;
            _commit = new CommitInfo(hash, author, email, utc, message.TrimEnd('\n'));
            tally.CountCommit();
        }
    }

    /// <summary>The next line without its end, good until the next call. Of any length.</summary>
    private bool NextLine(out ReadOnlyMemory<byte> line)
    {
        _line.ResetWrittenCount();
        while (true)
        {
            if (_from == _to)
            {
                (_from, _to) = (0, patch.Read(_buffer));
                tally.CountBytes(_to);
                if (_to == 0)
                {
                    line = _line.WrittenMemory;
                    return line.Length > 0;
                }
            }

            var rest = _buffer.AsSpan(_from, _to - _from);
            var end = rest.IndexOf((byte)'\n');
            if (end < 0)
            {
                _line.Write(rest);
                _from = _to;
                continue;
            }

            if (_line.WrittenCount == 0)
            {
                line = _buffer.AsMemory(_from, end);
            }
            else
            {
                _line.Write(rest[..end]);
                line = _line.WrittenMemory;
            }

            _from += end + 1;
            return true;
        }
    }
}
