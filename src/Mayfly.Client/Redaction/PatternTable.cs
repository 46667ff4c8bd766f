using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Mayfly.Client.Redaction;

/// <summary>
/// Finds any number of patterns in one pass over a text, which costs the same however many they are: the last
/// <see cref="Window"/> characters are hashed at each place, and only where a pattern ends with that hash is more looked at.
/// Patterns are only added; a table without some of them is made anew. Adding is for one thread at a time; reading is safe
/// meanwhile.
/// </summary>
internal sealed class PatternTable
{
    /// <summary>The least that a pattern has in characters.</summary>
    public const int Window = 6;

    private const ulong WindowMask = (1UL << (8 * Window)) - 1;

    private readonly PatternHash _hash;
    private readonly SecretPattern?[] _slots;
    private readonly ulong[] _ends;
    private readonly uint[] _beginnings;
    private readonly bool[] _firsts = new bool[256];
    private readonly ConcurrentDictionary<uint, int> _longest = new();
    private int _count;
    private int _remembered;

    /// <summary>An empty table.</summary>
    /// <param name="hash">Hashes of this registry.</param>
    /// <param name="capacity">How many patterns it can hold.</param>
    public PatternTable(PatternHash hash, int capacity)
    {
        _hash = hash;
        var slots = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(capacity * 2, 64));
        _slots = new SecretPattern[slots];
        _ends = new ulong[slots / 8];
        _beginnings = new uint[slots * 4];
        Capacity = slots / 2;
    }

    /// <summary>How many patterns fit.</summary>
    public int Capacity { get; }

    /// <summary>How many patterns there are.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Some pattern is as long as a line of wrapped base64.</summary>
    public bool HasLong { get; private set; }

    /// <summary>Some pattern has a space, which forms write as a plus sign.</summary>
    public bool HasSpace { get; private set; }

    /// <summary>Adds what is not there yet.</summary>
    public void Add(SecretPattern pattern, ReadOnlySpan<char> text)
    {
        HasSpace |= text.Contains(' ');
        _firsts[KeyOf(text[..1])] = true;
        for (var length = 2; length < Window; length++)
        {
            Remember(_hash.OfBeginning(KeyOf(text[..length]), length));
        }

        Add(pattern);
    }

    /// <summary>Adds patterns of another table, which all fit.</summary>
    public void AddAll(IEnumerable<SecretPattern> patterns, PatternTable other)
    {
        HasSpace = other.HasSpace;
        other._firsts.CopyTo(_firsts, 0);
        foreach (var beginning in other._beginnings)
        {
            if (beginning != 0)
            {
                Remember(beginning);
            }
        }

        foreach (var pattern in patterns)
        {
            Add(pattern);
        }
    }

    private void Add(SecretPattern pattern)
    {
        var at = (int)pattern.Last & (_slots.Length - 1);
        while (_slots[at] is { } taken)
        {
            if (taken.Mac == pattern.Mac && taken.Length == pattern.Length)
            {
                return;
            }

            at = (at + 1) & (_slots.Length - 1);
        }

        HasLong |= pattern.Length >= 48;
        _longest.AddOrUpdate(pattern.First, pattern.Length, (_, length) => Math.Max(length, pattern.Length));
        Volatile.Write(ref _slots[at], pattern);
        Set(_ends, pattern.Last);
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>The first pattern that is found from <paramref name="at"/> on.</summary>
    /// <param name="text">The text.</param>
    /// <param name="at">Where to begin; where to go on afterwards.</param>
    /// <param name="start">Where what was found begins.</param>
    /// <param name="end">Where it ends.</param>
    /// <param name="starts">Where each character begins in what the text was made of; empty when it is that itself.</param>
    /// <param name="ends">Where it ends there.</param>
    public bool TryFindNext(
        ReadOnlySpan<char> text,
        ref int at,
        out int start,
        out int end,
        ReadOnlySpan<int> starts = default,
        ReadOnlySpan<int> ends = default
    )
    {
        (start, end) = (0, 0);
        if (Count == 0 || text.Length < Window)
        {
            return false;
        }

        var last = _ends;
        var bits = last.Length * 64 - 1;
        var key = 0UL;
        var from = Math.Max(at, Window - 1);
        for (var i = from - Window + 1; i < from; i++)
        {
            key = Next(key, text[i]);
        }

        for (var i = from; i < text.Length; i++)
        {
            key = Next(key, text[i]);
            var hash = _hash.OfWindow(key & WindowMask);
            var bit = (int)hash & bits;
            if ((last[bit >> 6] & (1UL << bit)) != 0 && Matches(text, i + 1, hash) is { } pattern)
            {
                (start, end) = Extent(text, i + 1 - pattern.Length, i + 1, pattern.Kind, starts, ends);
                at = i + 1;
                return true;
            }
        }

        at = text.Length;
        return false;
    }

    /// <summary>
    /// Where in <paramref name="text"/> something may begin that goes on behind its end, or whose next character decides;
    /// its length when nothing may.
    /// </summary>
    public int OpenEnd(ReadOnlySpan<char> text)
    {
        if (Count == 0)
        {
            return text.Length;
        }

        var first = Math.Max(0, text.Length - SecretForms.LongestPiece);
        for (var i = first; i + Window <= text.Length; i++)
        {
            // Cheap enough without a rolling key: this is asked once for each write.
            if (
                _longest.TryGetValue(_hash.OfWindow(KeyOf(text.Slice(i, Window))), out var length)
                && i + length >= text.Length
            )
            {
                return i;
            }
        }

        for (var i = Math.Max(first, text.Length - Window + 1); i < text.Length; i++)
        {
            if (IsBeginning(text[i..]))
            {
                return i;
            }
        }

        return text.Length;
    }

    private SecretPattern? Matches(ReadOnlySpan<char> text, int end, uint hash)
    {
        SecretPattern? best = null;
        var (macLength, mac) = (-1, UInt128.Zero);
        for (var slot = (int)hash & (_slots.Length - 1); ; slot = (slot + 1) & (_slots.Length - 1))
        {
            if (Volatile.Read(ref _slots[slot]) is not { } pattern)
            {
                return best;
            }

            var start = end - pattern.Length;
            if (
                pattern.Last != hash
                || start < 0
                || (best is not null && best.Length >= pattern.Length)
                || _hash.OfWindow(KeyOf(text.Slice(start, Window))) != pattern.First
                || (pattern.Kind == PatternKind.WholeWord && !StandsAlone(text, start, end))
            )
            {
                continue;
            }

            if (macLength != pattern.Length)
            {
                (macLength, mac) = (pattern.Length, _hash.Of(text[start..end]));
            }

            if (mac == pattern.Mac)
            {
                best = pattern;
            }
        }
    }

    private static bool StandsAlone(ReadOnlySpan<char> text, int start, int end) =>
        (start == 0 || !char.IsLetterOrDigit(text[start - 1]))
        && (end == text.Length || !char.IsLetterOrDigit(text[end]));

    private static (int Start, int End) Extent(
        ReadOnlySpan<char> text,
        int start,
        int end,
        PatternKind kind,
        ReadOnlySpan<int> starts,
        ReadOnlySpan<int> ends
    )
    {
        if (kind != PatternKind.Base64)
        {
            return (start, end);
        }

        // What adjoins only because a line break was taken out is the end of another line, or the beginning of one; and a letter
        // behind a backslash is a line break itself.
        if (
            start > 0
            && SecretForms.IsBase64(text[start - 1])
            && (start == 1 || text[start - 2] != '\\')
            && (starts.IsEmpty || ends[start - 1] == starts[start])
        )
        {
            start--;
        }

        if (end < text.Length && SecretForms.IsBase64(text[end]) && (starts.IsEmpty || ends[end - 1] == starts[end]))
        {
            end++;
        }

        while (end < text.Length && text[end] == '=')
        {
            end++;
        }

        return (start, end);
    }

    /// <summary>Those of patterns that are gone may fill it: then nothing is known to be no beginning.</summary>
    private void Remember(uint beginning)
    {
        if (_remembered < _beginnings.Length / 2 && !IsRemembered(beginning, out var at))
        {
            _remembered++;
            Volatile.Write(ref _beginnings[at], Math.Max(beginning, 1));
        }
    }

    private bool IsRemembered(uint beginning, out int at)
    {
        beginning = Math.Max(beginning, 1);
        at = (int)(beginning & (uint)(_beginnings.Length - 1));
        while (Volatile.Read(ref _beginnings[at]) is not 0 and var taken)
        {
            if (taken == beginning)
            {
                return true;
            }

            at = (at + 1) & (_beginnings.Length - 1);
        }

        return false;
    }

    private bool IsBeginning(ReadOnlySpan<char> text) =>
        _firsts[KeyOf(text[..1])]
        && (
            text.Length == 1
            || _remembered >= _beginnings.Length / 2
            || IsRemembered(_hash.OfBeginning(KeyOf(text), text.Length), out _)
        );

    private static void Set(ulong[] bits, uint hash)
    {
        var bit = (int)hash & (bits.Length * 64 - 1);
        Volatile.Write(ref bits[bit >> 6], bits[bit >> 6] | (1UL << bit));
    }

    /// <summary>The key of up to <see cref="Window"/> characters.</summary>
    public static ulong KeyOf(ReadOnlySpan<char> text)
    {
        var key = 0UL;
        foreach (var c in text)
        {
            key = Next(key, c);
        }

        return key;
    }

    /// <summary>A byte for each character: itself where that is ASCII.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Next(ulong key, char c) => (key << 8) | (byte)(c ^ (c >> 8));
}

/// <summary>Hashes with keys that are drawn once for each registry.</summary>
internal sealed class PatternHash
{
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly ulong _multiplier = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) | 1;

    /// <summary>The hash of <see cref="PatternTable.Window"/> characters.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint OfWindow(ulong key) => (uint)(((key * _multiplier) ^ (key >> 17)) * 0x9E3779B97F4A7C15 >> 32);

    /// <summary>The hash of fewer.</summary>
    public uint OfBeginning(ulong key, int length) => OfWindow(key | ((ulong)length << 56));

    /// <summary>The hash by which a value is known; what it was of cannot be told from it.</summary>
    public UInt128 Of(ReadOnlySpan<char> text)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, MemoryMarshal.AsBytes(text), mac);
        return MemoryMarshal.Read<UInt128>(mac);
    }
}
