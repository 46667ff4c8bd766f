namespace Mayfly.Agent.Templates.Language;

/// <summary>A template's text and name, and where things are in it.</summary>
internal sealed record Source(string Name, string Text)
{
    private const int Shown = 40;

    /// <summary>An error at a position.</summary>
    public TemplateException Fail(int position, string problem)
    {
        position = Math.Min(position, Text.Length);
        var before = Text.AsSpan(0, position);
        var line = before.Count('\n') + 1;
        var column = position - before.LastIndexOf('\n');
        return new TemplateException(Name, line, column, problem);
    }

    /// <summary>The line of a position, from 1.</summary>
    public int Line(int position) => Text.AsSpan(0, Math.Min(position, Text.Length)).Count('\n') + 1;

    /// <summary>
    /// A piece of the source for a message: short, on one line. What follows a <c>=</c> inside quotes is left out, because
    /// <c>secret "path" "password=…"</c> may hold what nobody should read in a log.
    /// </summary>
    public string Excerpt(int from, int to)
    {
        var text = Text.AsSpan(from, Math.Max(0, Math.Min(to, Text.Length) - from));
        var quote = text.IndexOfAny('"', '`');
        var value = quote < 0 ? -1 : text[quote..].IndexOf('=');
        var cut = value < 0 ? text.Length : quote + value + 1;
        var line = text.IndexOfAny('\r', '\n');
        cut = Math.Min(Math.Min(cut, line < 0 ? text.Length : line), Shown);
        return cut < text.Length ? string.Concat(text[..cut], "...") : text.ToString();
    }
}
