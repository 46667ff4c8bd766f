using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Mayfly.Core.Policy.Passwords;

/// <summary>
/// How passwords are made: a length, and rules of which each names characters and how many of them there are at least.
/// Characters come from all rules together, each with the same probability. Immutable, and safe for concurrent use.
/// </summary>
internal sealed class PasswordPolicy
{
    public const int MinLength = 4;
    public const int MaxLength = 100;

    /// <summary>How many different characters all rules together may name, as in Vault.</summary>
    public const int MaxCharacters = 256;

    public const int MaxRules = 64;

    /// <summary>
    /// A policy is accepted when this many attempts find a password. Generating may take many times as many: a policy
    /// that was accepted by luck still works.
    /// </summary>
    private const int AttemptsToAccept = 2_000;
    private const int AttemptsToGenerate = 100_000;

    private readonly Choice[] _choices;
    private readonly int[] _needed;

    private PasswordPolicy(int length, IReadOnlyList<CharsetRule> rules)
    {
        Length = length;
        Rules = rules;
        _needed = [.. rules.Select(rule => rule.MinChars)];
        var choices = new SortedDictionary<int, ulong>();
        for (var i = 0; i < rules.Count; i++)
        {
            foreach (var character in rules[i].Charset.EnumerateRunes())
            {
                choices[character.Value] = choices.GetValueOrDefault(character.Value) | (1UL << i);
            }
        }

        _choices = [.. choices.Select(choice => new Choice(new Rune(choice.Key), choice.Value))];
    }

    /// <summary>What is used where no policy is named; Vault's, too.</summary>
    public static PasswordPolicy Default { get; } =
        new(
            20,
            [
                new CharsetRule("abcdefghijklmnopqrstuvwxyz", 1),
                new CharsetRule("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1),
                new CharsetRule("0123456789", 1),
                new CharsetRule("-", 1),
            ]
        );

    /// <summary>In characters: Unicode code points.</summary>
    public int Length { get; }

    public IReadOnlyList<CharsetRule> Rules { get; }

    /// <summary>A policy that can be satisfied, or why there is none. Exactly one of the two results is null.</summary>
    public static (PasswordPolicy? Policy, string? Problem) Create(int length, IReadOnlyList<CharsetRule> rules)
    {
        if (length is < MinLength or > MaxLength)
        {
            return (null, $"passwords must be between {MinLength} and {MaxLength} characters long, not {length}");
        }

        if (rules.Count is 0 or > MaxRules)
        {
            return (null, $"a password policy has 1 to {MaxRules} charset rules");
        }

        foreach (var rule in rules)
        {
            if (Problem(rule) is { } problem)
            {
                return (null, problem);
            }
        }

        var policy = new PasswordPolicy(length, rules);
        if (policy._choices.Length > MaxCharacters)
        {
            return (null, $"the charsets name more than {MaxCharacters} different characters");
        }

        return policy.Contradiction() is { } contradiction ? (null, contradiction) : (policy, null);
    }

    /// <summary>
    /// A password that keeps the rules; every such password is equally likely. Null when none was found, which for a
    /// policy that <see cref="Create"/> accepted does not happen in practice.
    /// </summary>
    public string? Generate() => Generate(AttemptsToGenerate);

    private static string? Problem(CharsetRule rule)
    {
        if (rule.Charset.Length == 0)
        {
            return "a charset must name at least one character";
        }

        foreach (var character in rule.Charset.EnumerateRunes())
        {
            if (!IsPrintable(character))
            {
                return $"a charset holds U+{character.Value:X4}, which is not a printable character";
            }
        }

        return rule.MinChars < 0 ? "min-chars must not be negative" : null;
    }

    /// <summary>Letters, marks, numbers, punctuation, symbols, and the plain space, as in Vault.</summary>
    private static bool IsPrintable(Rune character) =>
        character.Value == ' '
        || Rune.IsLetterOrDigit(character)
        || Rune.IsNumber(character)
        || Rune.IsPunctuation(character)
        || Rune.IsSymbol(character) && character != Rune.ReplacementChar
        || Rune.GetUnicodeCategory(character)
            is System.Globalization.UnicodeCategory.NonSpacingMark
                or System.Globalization.UnicodeCategory.SpacingCombiningMark
                or System.Globalization.UnicodeCategory.EnclosingMark;

    /// <summary>Why no password keeps the rules, or null.</summary>
    private string? Contradiction()
    {
        for (var i = 0; i < _needed.Length; i++)
        {
            if (_needed[i] > Length)
            {
                return $"a rule asks for at least {_needed[i]} characters, and a password has {Length}";
            }
        }

        // Of characters that belong to one rule alone, each rule needs its own.
        var apart = _choices.All(choice => ulong.IsPow2(choice.Rules));
        if (apart && _needed.Sum() > Length)
        {
            return $"the rules ask for at least {_needed.Sum()} characters together, and a password has {Length}";
        }

        return Generate(AttemptsToAccept) is null
            ? $"in {AttemptsToAccept} attempts no password was found that keeps all rules; lower min-chars, make"
                + " passwords longer, or name fewer other characters"
            : null;
    }

    private string? Generate(int attempts)
    {
        Span<Choice> drawn = stackalloc Choice[MaxLength];
        Span<int> counts = stackalloc int[MaxRules];
        drawn = drawn[..Length];
        try
        {
            for (var attempt = 0; attempt < attempts; attempt++)
            {
                RandomNumberGenerator.GetItems(_choices, drawn);
                if (Keeps(drawn, counts))
                {
                    return Text(drawn);
                }
            }

            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(drawn));
        }
    }

    private bool Keeps(ReadOnlySpan<Choice> drawn, Span<int> counts)
    {
        counts.Clear();
        foreach (var choice in drawn)
        {
            for (var rules = choice.Rules; rules != 0; rules &= rules - 1)
            {
                counts[System.Numerics.BitOperations.TrailingZeroCount(rules)]++;
            }
        }

        for (var i = 0; i < _needed.Length; i++)
        {
            if (counts[i] < _needed[i])
            {
                return false;
            }
        }

        return true;
    }

    private static string Text(ReadOnlySpan<Choice> drawn)
    {
        Span<char> text = stackalloc char[2 * MaxLength];
        var length = 0;
        foreach (var choice in drawn)
        {
            length += choice.Character.EncodeToUtf16(text[length..]);
        }

        var password = text[..length].ToString();
        text.Clear();
        return password;
    }

    /// <summary>A character, and the rules that it counts for: bit i for rule i.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Choice(Rune Character, ulong Rules);
}
