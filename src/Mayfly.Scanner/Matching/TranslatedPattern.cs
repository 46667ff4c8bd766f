using System.Text;

namespace Mayfly.Scanner.Matching;

/// <summary>A pattern of Go's as .NET means it. Immutable.</summary>
/// <param name="Text">The pattern.</param>
/// <param name="Names">The numbers of groups that have names.</param>
/// <param name="HasAsciiBoundaries">
/// It has <c>\b</c> or <c>\B</c>, and does not tell characters beyond ASCII apart. For Go these are none of a word, for .NET
/// letters are; so such a pattern is held against <see cref="Flattened(string)"/> texts.
/// </param>
internal sealed record TranslatedPattern(string Text, IReadOnlyDictionary<string, int> Names, bool HasAsciiBoundaries)
{
    /// <summary>Beyond ASCII, and of no word for .NET either.</summary>
    private const char NoLetter = '\u00A7';

    /// <summary>Where case does not matter, this and the next are a k and an s.</summary>
    private const char Kelvin = '\u212A';

    private const char LongS = '\u017F';

    /// <summary>The text as this pattern is to see it: as long as it was.</summary>
    public string Flattened(string text) =>
        !HasAsciiBoundaries || Ascii.IsValid(text)
            ? text
            : string.Create(text.Length, text, static (flat, text) => Flatten(text, flat));

    /// <summary>Whether <see cref="Flatten"/> is needed.</summary>
    public bool Flattens(ReadOnlySpan<char> text) => HasAsciiBoundaries && !Ascii.IsValid(text);

    public static void Flatten(ReadOnlySpan<char> text, Span<char> flat)
    {
        for (var i = 0; i < text.Length; i++)
        {
            flat[i] = text[i] is < '\u0080' or Kelvin or LongS ? text[i] : NoLetter;
        }
    }
}
