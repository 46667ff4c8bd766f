namespace Mayfly.Core.Policy;

/// <summary>Types of events, with <c>*</c> for any text at any place: <c>kv*</c>, <c>kv-v2/data-*</c>, <c>*/rotate</c>. Immutable.</summary>
internal sealed class TypePattern
{
    public const int MaxLength = 256;

    private readonly string[] _pieces;

    public TypePattern(string text) => _pieces = text.Split('*');

    /// <summary>Does not allocate, and takes time in proportion to the two lengths.</summary>
    public bool Matches(ReadOnlySpan<char> type)
    {
        if (_pieces.Length == 1)
        {
            return type.Equals(_pieces[0], StringComparison.Ordinal);
        }

        var last = _pieces[^1];
        if (
            type.Length < _pieces[0].Length + last.Length
            || !type.StartsWith(_pieces[0], StringComparison.Ordinal)
            || !type.EndsWith(last, StringComparison.Ordinal)
        )
        {
            return false;
        }

        type = type[_pieces[0].Length..^last.Length];
        foreach (var piece in _pieces.AsSpan(1, _pieces.Length - 2))
        {
            var at = type.IndexOf(piece, StringComparison.Ordinal);
            if (at < 0)
            {
                return false;
            }

            type = type[(at + piece.Length)..];
        }

        return true;
    }
}
