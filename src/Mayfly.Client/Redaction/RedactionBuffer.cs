using System.Text;

namespace Mayfly.Client.Redaction;

/// <summary>
/// Redacts text that comes in parts. Keeps back only what may be the beginning of a secret: nothing most of the time, a few
/// characters often, and never more than 4,096. Not safe for concurrent use.
/// </summary>
internal sealed class RedactionBuffer(Redactor redactor, bool isBytes = false)
{
    private const int MaxPart = 32 * 1024;
    private const int LongestToken = 1024;

    private readonly StringBuilder _output = new();
    private char[] _held = new char[256];
    private int _length;

    // The first characters of what is held that are written already (kept for what stands before the rest), and those that
    // are secret although what completed them is gone.
    private int _written;
    private int _secret;
    private bool _endsWithMask;
    private bool _inToken;

    /// <summary>Takes a part, and returns what can be written now.</summary>
    /// <returns>Valid until the next call.</returns>
    public StringBuilder Append(ReadOnlySpan<char> part)
    {
        _output.Clear();
        while (!part.IsEmpty)
        {
            var length = Math.Min(part.Length, MaxPart);
            Hold(part[..length]);
            Release(isEnd: false);
            part = part[length..];
        }

        return _output;
    }

    /// <summary>No part follows: returns the rest.</summary>
    /// <returns>Valid until the next call.</returns>
    public StringBuilder Complete()
    {
        _output.Clear();
        Release(isEnd: true);
        return _output;
    }

    private void Hold(ReadOnlySpan<char> part)
    {
        if (_inToken)
        {
            var rest = TokenShapes.Continuation(part);
            _inToken = rest == part.Length;
            part = part[rest..];
        }

        if (_length + part.Length > _held.Length)
        {
            Array.Resize(ref _held, Math.Max(_held.Length * 2, _length + part.Length));
        }

        part.CopyTo(_held.AsSpan(_length));
        _length += part.Length;
    }

    private void Release(bool isEnd)
    {
        var text = _held.AsSpan(0, _length);
        var finder = new Finder(redactor.Registry.Table, isBytes);
        var open = isEnd ? text.Length : Math.Max(finder.OpenEnd(text), _written);
        if (!isEnd && text.Length - TokenShapes.OpenEnd(text) > LongestToken)
        {
            // A token without an end: it is long enough to be one, and the rest of it is dropped as it comes.
            _inToken = true;
            open = text.Length;
        }

        var at = _written;
        var secret = _secret;
        if (secret > at)
        {
            WriteMask();
            at = Math.Min(secret, open);
        }

        foreach (var (start, end) in redactor.Find(text, isBytes) ?? [])
        {
            // What begins where something is open may be longer than what was found.
            if (start >= open)
            {
                break;
            }

            if (end > at)
            {
                WriteText(text[at..Math.Max(at, start)]);
                WriteMask();
                at = Math.Min(end, open);
                secret = Math.Max(secret, end);
            }
        }

        WriteText(text[at..open]);
        // One character that is written stays, because it decides whether what follows stands alone.
        _written = Math.Min(1, open);
        _secret = secret > open ? secret - open + _written : 0;
        text[(open - _written)..].CopyTo(_held);
        _length = text.Length - open + _written;
    }

    private void WriteText(ReadOnlySpan<char> text)
    {
        if (!text.IsEmpty)
        {
            _output.Append(text);
            _endsWithMask = false;
        }
    }

    private void WriteMask()
    {
        if (!_endsWithMask)
        {
            _output.Append(Redactor.Mask);
            _endsWithMask = true;
        }
    }
}
