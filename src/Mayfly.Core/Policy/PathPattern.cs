using System.Text;

namespace Mayfly.Core.Policy;

/// <summary>
/// The path of a rule: literal; a prefix (<c>*</c> at its end); or with <c>+</c> for one whole segment, perhaps with
/// <c>*</c> at its end too. Orders itself by priority as Vault does. Immutable.
/// </summary>
internal sealed class PathPattern
{
    /// <summary>The literal text before, between and after the <c>+</c>: "a/+/b" is "a/" and "/b".</summary>
    private readonly string[] _pieces;

    private PathPattern(string text)
    {
        Text = text;
        HasSegments =
            text == "+"
            || text.StartsWith("+/", StringComparison.Ordinal)
            || text.Contains("/+", StringComparison.Ordinal);
        IsPrefix = text.EndsWith('*');
        Body = IsPrefix ? text[..^1] : text;
        Head = HasSegments ? text[..text.IndexOf('+', StringComparison.Ordinal)] : Body;
        _pieces = Split(Body);
    }

    /// <summary>As it was written, without a slash at the start.</summary>
    public string Text { get; }

    /// <summary>Matches one path only.</summary>
    public bool IsExact => !HasSegments && !IsPrefix;

    public bool HasSegments { get; }

    public bool IsPrefix { get; }

    /// <summary>The text without the <c>*</c> at its end.</summary>
    public string Body { get; }

    /// <summary>The literal text before the first wildcard: every path that matches begins with it.</summary>
    public string Head { get; }

    /// <summary>The pattern, or what is wrong with it.</summary>
    public static (PathPattern? Pattern, string? Problem) Parse(string path)
    {
        var text = path.StartsWith('/') ? path[1..] : path;
        foreach (var character in text)
        {
            if (char.IsControl(character))
            {
                return (null, "control characters are not allowed in a path");
            }
        }

        return text.Contains("+*", StringComparison.Ordinal)
            ? (null, "'+*' is not allowed: '+' stands for one whole segment; a path below it ends with '+/*'")
            : (new PathPattern(text), null);
    }

    /// <summary>Whether the pattern covers <paramref name="path"/>. Does not allocate.</summary>
    public bool Matches(ReadOnlySpan<char> path)
    {
        if (!path.StartsWith(_pieces[0]))
        {
            return false;
        }

        path = path[_pieces[0].Length..];
        for (var i = 1; i < _pieces.Length; i++)
        {
            // The + takes everything up to the next slash, also nothing.
            var slash = path.IndexOf('/');
            path = slash < 0 ? [] : path[slash..];
            if (!path.StartsWith(_pieces[i]))
            {
                return false;
            }

            path = path[_pieces[i].Length..];
        }

        return IsPrefix || path.IsEmpty;
    }

    /// <summary>
    /// Of two patterns that match the same path, the smaller one decides. Literal paths come first; then the later first
    /// wildcard, no <c>*</c> at the end, fewer <c>+</c>, more text, and the greater text.
    /// </summary>
    public static IComparer<PathPattern> Priority { get; } =
        Comparer<PathPattern>.Create((one, other) => one.Compare(other).Order);

    /// <summary>Why <paramref name="winner"/> decides rather than this pattern, as the end of a sentence.</summary>
    public string WhyItLosesTo(PathPattern winner) => winner.Compare(this).Reason;

    public override string ToString() => Text;

    private static string[] Split(string body)
    {
        var pieces = new List<string>();
        var piece = new StringBuilder();
        var first = true;
        foreach (var segment in body.Split('/'))
        {
            if (!first)
            {
                piece.Append('/');
            }

            first = false;
            if (segment == "+")
            {
                pieces.Add(piece.ToString());
                piece.Clear();
            }
            else
            {
                piece.Append(segment);
            }
        }

        pieces.Add(piece.ToString());
        return [.. pieces];
    }

    private (int Order, string Reason) Compare(PathPattern other)
    {
        if (IsExact != other.IsExact)
        {
            return (IsExact ? -1 : 1, "a path without wildcards decides before any pattern");
        }

        if (IsExact)
        {
            // A LIST looks for its path with and without the slash at the end; the longer is the one that it asked for.
            return (
                other.Text.Length != Text.Length
                    ? other.Text.Length - Text.Length
                    : string.CompareOrdinal(other.Text, Text),
                "the path as it was asked for, with its slash, decides before the one without"
            );
        }

        if (Head.Length != other.Head.Length)
        {
            return (other.Head.Length - Head.Length, "the pattern whose first wildcard comes later decides");
        }

        if (IsPrefix != other.IsPrefix)
        {
            return (IsPrefix ? 1 : -1, "a pattern that ends with '*' gives way to one that does not");
        }

        if (_pieces.Length != other._pieces.Length)
        {
            return (_pieces.Length - other._pieces.Length, "the pattern with fewer '+' decides");
        }

        return Body.Length != other.Body.Length
            ? (other.Body.Length - Body.Length, "the longer pattern decides")
            : (string.CompareOrdinal(other.Body, Body), "the pattern that sorts later decides");
    }
}
