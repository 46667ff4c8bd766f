using System.Globalization;

namespace Mayfly.Core.Naming;

/// <summary>A value inside a template: text that is known when it is rendered, or a number that stands in it. Immutable.</summary>
internal sealed class NameValue
{
    private NameValue(Func<NameFields, string> render, string? constant = null, int? number = null)
    {
        Render = render;
        Literal = constant;
        Number = number;
    }

    public static NameValue Nothing { get; } = Constant("");

    public Func<NameFields, string> Render { get; }

    /// <summary>The text, when it stands in the template itself.</summary>
    public string? Literal { get; }

    /// <summary>The number, when it is one.</summary>
    public int? Number { get; }

    public static NameValue Text(Func<NameFields, string> render) => new(render);

    public static NameValue Constant(string text) => new(_ => text, text);

    public static NameValue Of(int number)
    {
        var text = number.ToString(CultureInfo.InvariantCulture);
        return new(_ => text, null, number);
    }
}
