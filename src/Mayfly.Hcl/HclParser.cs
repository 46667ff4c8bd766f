namespace Mayfly.Hcl;

/// <summary>
/// Reads HCL, version 1: the notation of Vault's policies and server configuration. A document that begins with <c>{</c> is
/// read as JSON, and gives the same tree. Any text has an answer: a tree, or an error that says what was expected where.
/// </summary>
public static class HclParser
{
    /// <summary>Longer documents (in UTF-16 units) are refused.</summary>
    public const int MaxLength = 1 << 20;

    /// <summary>Deeper nesting is refused.</summary>
    public const int MaxDepth = 64;

    /// <summary>Exactly one of the two results is null.</summary>
    public static (HclBody? Body, HclError? Error) Parse(string text)
    {
        if (text.Length > MaxLength)
        {
            return (null, new HclError(new(1, 1), $"the document is longer than {MaxLength} characters"));
        }

        // A byte order mark says nothing, and line ends are the same on every system.
        if (text.StartsWith('\uFEFF'))
        {
            text = text[1..];
        }

        text = text.Replace("\r\n", "\n", StringComparison.Ordinal);
        if (FindForbidden(text) is { } error)
        {
            return (null, error);
        }

        return text.AsSpan().TrimStart().StartsWith('{') ? HclJson.Parse(text) : new HclGrammar(text).Parse();
    }

    /// <summary>Control characters have no place in a document, and half a surrogate pair is not a character.</summary>
    private static HclError? FindForbidden(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var character = text[i];
            if (char.IsSurrogate(character))
            {
                if (i + 1 < text.Length && char.IsSurrogatePair(character, text[i + 1]))
                {
                    i++;
                    continue;
                }

                return new HclError(At(text, i), "half a surrogate pair is not a character");
            }

            if (char.IsControl(character) && character is not ('\t' or '\n' or '\r'))
            {
                return new HclError(At(text, i), $"control character U+{(int)character:X4} is not allowed");
            }
        }

        return null;
    }

    private static HclPosition At(string text, int index)
    {
        var before = text.AsSpan(0, index);
        return new HclPosition(before.Count('\n') + 1, index - before.LastIndexOf('\n'));
    }
}
