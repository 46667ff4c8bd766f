using System.Text;

namespace Mayfly.Client.Testing;

/// <summary>Keeps a copy of what is written to the console. Safe for concurrent use.</summary>
internal sealed class ConsoleTee(TextWriter inner) : TextWriter
{
    private readonly StringBuilder _copy = new();

    public override Encoding Encoding => inner.Encoding;

    public string Text
    {
        get
        {
            lock (_copy)
            {
                return _copy.ToString();
            }
        }
    }

    /// <summary>Puts the console back to what it was.</summary>
    public void GiveBack(Action<TextWriter> set) => set(inner);

    public override void Write(char value) => Write([value]);

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(ReadOnlySpan<char> buffer)
    {
        lock (_copy)
        {
            _copy.Append(buffer);
            inner.Write(buffer);
        }
    }

    public override void Flush() => inner.Flush();
}
