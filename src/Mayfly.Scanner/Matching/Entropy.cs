namespace Mayfly.Scanner.Matching;

/// <summary>Shannon's entropy: how much a character of a text tells, on average.</summary>
internal static class Entropy
{
    /// <summary>Bits per character; 0 for an empty text.</summary>
    public static double Of(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
        {
            return 0;
        }

        var ascii = (stackalloc int[128]);
        ascii.Clear();
        Dictionary<char, int>? others = null;
        foreach (var character in text)
        {
            if (character < 128)
            {
                ascii[character]++;
            }
            else
            {
                others ??= [];
                others[character] = others.GetValueOrDefault(character) + 1;
            }
        }

        var bits = 0.0;
        foreach (var count in ascii)
        {
            bits += Share(count, text.Length);
        }

        foreach (var count in others?.Values ?? Enumerable.Empty<int>())
        {
            bits += Share(count, text.Length);
        }

        return bits;
    }

    private static double Share(int count, int length)
    {
        if (count == 0)
        {
            return 0;
        }

        var frequency = (double)count / length;
        return -frequency * Math.Log2(frequency);
    }
}
