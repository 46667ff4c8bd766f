namespace Mayfly.Scanner.Masking;

/// <summary>
/// A private key of many lines in a stream: its rule sees it only when its last line has come, when all of it is written
/// already. So what follows the line that begins one is hidden as it comes, until the line that ends it, or until lines come
/// that are no part of a key. What stands before the key on each line, such as a time, stays. One owner.
/// </summary>
internal sealed class KeyBlock
{
    /// <summary>Lines of a key's text have at least so many characters, but for the last.</summary>
    private const int KeyLine = 40;

    /// <summary>So many other lines in a row (a header, an empty line, the last line of the key) do not end it.</summary>
    private const int MostOthers = 4;

    private int _othersLeft;

    /// <summary>Adds what is to be hidden of the lines from <paramref name="from"/> on.</summary>
    /// <param name="text">Ends where the stream is written to.</param>
    /// <param name="from">Where it is written from: at the beginning of a line, or inside of one.</param>
    /// <param name="secrets">Gets the places.</param>
    public void Find(ReadOnlySpan<byte> text, int from, List<(int Start, int End)> secrets)
    {
        if (_othersLeft == 0 && text[from..].IndexOf("PRIVATE KEY"u8) < 0)
        {
            return;
        }

        while (from < text.Length)
        {
            var length = text[from..].IndexOf((byte)'\n');
            var end = length < 0 ? text.Length : from + length;
            var line = text[from..end];
            if (line.IndexOf("-----BEGIN "u8) is >= 0 and var begin && line[begin..].IndexOf("PRIVATE KEY"u8) >= 0)
            {
                _othersLeft = line[begin..].IndexOf("-----END "u8) < 0 ? MostOthers : 0;
            }
            else if (line.IndexOf("-----END "u8) >= 0)
            {
                _othersLeft = 0;
            }
            else if (_othersLeft > 0)
            {
                Hide(line.TrimEnd((byte)'\r'), from, secrets);
            }

            from = end + 1;
        }
    }

    private void Hide(ReadOnlySpan<byte> line, int at, List<(int Start, int End)> secrets)
    {
        var start = TokenRun.IndexOf(line, KeyLine);
        if (start >= 0)
        {
            _othersLeft = MostOthers;
        }
        else
        {
            _othersLeft--;
            start = line.Length - TokenRun.AtEndOf(line);
        }

        if (start < line.Length)
        {
            secrets.Add((at + start, at + line.Length));
        }
    }
}
