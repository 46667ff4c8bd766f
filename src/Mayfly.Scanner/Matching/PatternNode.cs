namespace Mayfly.Scanner.Matching;

/// <summary>
/// What a pattern can match, without regard to groups and to assertions (which only make it less). Characters beyond ASCII
/// are one symbol.
/// </summary>
internal abstract record PatternNode
{
    /// <summary>The most bytes of UTF-8 that a match has; null for any number.</summary>
    public abstract int? Bytes { get; }

    /// <summary>The most line ends that a match has; null for any number.</summary>
    public abstract int? LineEnds { get; }

    /// <summary>How many places for characters it has, with all alternatives and repetitions written out.</summary>
    public abstract long Size { get; }

    /// <summary>One character of a set.</summary>
    internal sealed record One(SymbolSet Set) : PatternNode
    {
        // A UTF-16 unit takes at most three bytes.
        public override int? Bytes => Set.Has(SymbolSet.Other) ? 3 : 1;

        public override int? LineEnds => Set.Has('\n') ? 1 : 0;

        public override long Size => 1;
    }

    /// <summary>One after the other.</summary>
    internal sealed record Sequence(IReadOnlyList<PatternNode> Parts) : PatternNode
    {
        public override int? Bytes => Sum(Parts.Select(part => part.Bytes));

        public override int? LineEnds => Sum(Parts.Select(part => part.LineEnds));

        public override long Size => Parts.Sum(part => part.Size);
    }

    /// <summary>One of several.</summary>
    internal sealed record Choice(IReadOnlyList<PatternNode> Parts) : PatternNode
    {
        public override int? Bytes => Largest(Parts.Select(part => part.Bytes));

        public override int? LineEnds => Largest(Parts.Select(part => part.LineEnds));

        public override long Size => Parts.Sum(part => part.Size);
    }

    /// <summary>Again and again.</summary>
    internal sealed record Repeat(PatternNode Part, int Fewest, int? Most) : PatternNode
    {
        public override int? Bytes => Times(Part.Bytes);

        public override int? LineEnds => Times(Part.LineEnds);

        public override long Size => Math.Min(Part.Size * Math.Max(Most ?? Fewest + 1, 1), int.MaxValue);

        private int? Times(int? each) =>
            each == 0 ? 0
            : each is { } one && Most is { } most ? (int)Math.Min((long)one * most, int.MaxValue / 4)
            : null;
    }

    private static int? Sum(IEnumerable<int?> parts) =>
        parts.Aggregate((int?)0, (sum, part) => sum + part is { } total ? Math.Min(total, int.MaxValue / 4) : null);

    private static int? Largest(IEnumerable<int?> parts) =>
        parts.Aggregate((int?)0, (most, part) => most is { } one && part is { } other ? Math.Max(one, other) : null);
}

/// <summary>A set of ASCII characters, and whether all others are in it too.</summary>
internal readonly record struct SymbolSet(UInt128 Ascii, bool Others)
{
    /// <summary>Stands for every character beyond ASCII.</summary>
    public const char Other = '\u0080';

    public bool Has(char symbol) => symbol < 128 ? (Ascii >> symbol & 1) == 1 : Others;

    public SymbolSet With(char from, char to)
    {
        var ascii = Ascii;
        for (var c = from; c <= to && c < 128; c++)
        {
            ascii |= UInt128.One << c;
        }

        return new SymbolSet(ascii, Others || to >= 128);
    }

    public SymbolSet Or(SymbolSet other) => new(Ascii | other.Ascii, Others || other.Others);

    /// <summary>All that are not in it. Of the characters beyond ASCII some may be in both.</summary>
    public SymbolSet Not() => new(~Ascii, true);

    /// <summary>With both cases of every letter.</summary>
    public SymbolSet AnyCase()
    {
        var set = this;
        for (var letter = 'a'; letter <= 'z'; letter++)
        {
            var capital = char.ToUpperInvariant(letter);
            if (set.Has(letter) || set.Has(capital))
            {
                set = set.With(letter, letter).With(capital, capital);
            }
        }

        return set;
    }
}
