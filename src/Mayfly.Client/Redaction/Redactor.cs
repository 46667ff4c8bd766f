using System.Text;

namespace Mayfly.Client.Redaction;

/// <summary>
/// Takes secret values out of texts: those that a <see cref="SecretRegistry"/> remembers, as they are, in base64, hexadecimal,
/// and escaped for JSON, URLs and HTML, and whatever has the form of a token of this API. Text without any comes back as it
/// was, and nothing is allocated for it. Safe for concurrent use.
/// </summary>
public sealed class Redactor
{
    /// <summary>What stands where a secret was.</summary>
    public const string Mask = "[redacted]";

    private const int MaxRounds = 3;

    private readonly SecretRegistry _registry;

    /// <summary>A redactor of the values that <paramref name="registry"/> remembers, now and later.</summary>
    /// <param name="registry">The values.</param>
    public Redactor(SecretRegistry registry) => _registry = registry;

    /// <summary>The one of <see cref="SecretRegistry.Shared"/>.</summary>
    public static Redactor Shared { get; } = new(SecretRegistry.Shared);

    /// <summary>The values.</summary>
    internal SecretRegistry Registry => _registry;

    /// <summary>Tokens are found by their form, too.</summary>
    internal bool KnowsTokens { get; init; } = true;

    /// <summary>The text without secrets; the same instance when there are none.</summary>
    /// <param name="text">Any text.</param>
    public string Redact(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryRedact(text, out var redacted) ? redacted : text;
    }

    /// <summary>There is a secret in the text.</summary>
    /// <param name="text">Any text.</param>
    public bool FindsSecretIn(ReadOnlySpan<char> text) => Find(text) is not null;

    /// <summary>The text without secrets, or false when there are none.</summary>
    internal bool TryRedact(ReadOnlySpan<char> text, out string redacted)
    {
        redacted = "";
        for (var round = 0; Find(text) is { } found; round++)
        {
            // What is left and the mask can be a secret again, for one that was made for that. Then nothing is told.
            redacted = round < MaxRounds ? Replace(text, found) : Mask;
            if (round == MaxRounds)
            {
                return true;
            }

            text = redacted;
        }

        return redacted.Length > 0;
    }

    /// <summary>Where secrets are: ranges in order that neither overlap nor touch; null for none.</summary>
    internal List<(int Start, int End)>? Find(ReadOnlySpan<char> text, bool isBytes = false)
    {
        var finder = new Finder(_registry.Table, isBytes);
        finder.Search(text, KnowsTokens);
        return finder.Found is { } found ? Merge(found) : null;
    }

    private static List<(int Start, int End)> Merge(List<(int Start, int End)> found)
    {
        found.Sort();
        var last = 0;
        for (var i = 1; i < found.Count; i++)
        {
            if (found[i].Start <= found[last].End)
            {
                found[last] = (found[last].Start, Math.Max(found[last].End, found[i].End));
            }
            else
            {
                found[++last] = found[i];
            }
        }

        found.RemoveRange(last + 1, found.Count - last - 1);
        return found;
    }

    private static string Replace(ReadOnlySpan<char> text, List<(int Start, int End)> found)
    {
        var result = new StringBuilder(text.Length);
        var at = 0;
        foreach (var (start, end) in found)
        {
            result.Append(text[at..start]).Append(Mask);
            at = end;
        }

        return result.Append(text[at..]).ToString();
    }
}
