using System.Text;

namespace Mayfly.Agent.Templates.Values;

/// <summary>Text that is being made, up to a limit: what a template makes can grow without bound.</summary>
internal sealed class BoundedText(int limit = BoundedText.Limit)
{
    /// <summary>The most characters that one value or one output may have.</summary>
    public const int Limit = 32 * 1024 * 1024;

    private readonly StringBuilder _text = new();

    public int Length => _text.Length;

    public BoundedText Append(ReadOnlySpan<char> text)
    {
        Reserve(text.Length);
        _text.Append(text);
        return this;
    }

    public BoundedText Append(string text) => Append(text.AsSpan());

    public BoundedText Append(char character, int count = 1)
    {
        Reserve(count);
        _text.Append(character, count);
        return this;
    }

    public override string ToString() => _text.ToString();

    private void Reserve(int more)
    {
        if (more > limit - _text.Length)
        {
            throw new FunctionException($"the text would be larger than {limit} characters");
        }
    }
}
