using Mayfly.Tests.Scanner.Rules;

namespace Mayfly.Tests.Scanner.Corpus;

/// <summary>One text of the corpus, as it would stand in a file.</summary>
/// <param name="Kind">The rule that has it as an example, or the file of the corpus that it comes from.</param>
/// <param name="Path">The file.</param>
/// <param name="Text">The text.</param>
/// <param name="Secret">What must be found in it, or null when there is nothing.</param>
/// <param name="HeldOut">It is of the half that nobody looked at while writing the rules.</param>
internal sealed record LabelledText(string Kind, string Path, string Text, string? Secret, bool HeldOut)
{
    private const int DrawsOfExamples = 3;
    private const int DrawsOfTexts = 4;

    // Where the examples of rules, which are but one line of a file, stand.
    private static readonly (string Path, string Text)[] Places =
    [
        ("deploy/settings.conf", "{0}\n"),
        ("build.log", "2026-11-20T10:12:13Z INFO step 4: {0}\n"),
        ("src/settings.txt", "# {0}\nlisten 8080\n"),
    ];

    /// <summary>The whole corpus, the same in every run.</summary>
    public static IReadOnlyList<LabelledText> All { get; } =
    [.. Examples(), .. Texts("leaks.txt", leak: true), .. Texts("clean.txt", leak: false)];

    private static IEnumerable<LabelledText> Examples()
    {
        var number = 0;
        foreach (var example in RuleExample.All)
        {
            number++;
            for (var draw = 0; draw < DrawsOfExamples; draw++)
            {
                var (text, longest) = SecretTemplate.Fill(example.Template, (uint)(1000 + draw));
                // What needs its own first line, such as YAML, stands alone.
                var (path, place) = Places[text.Contains('\n', StringComparison.Ordinal) ? 0 : draw % Places.Length];
                var secret = example.Leak ? (longest.Length > 0 ? longest : text) : null;
                yield return new LabelledText(
                    example.Rule,
                    path,
                    place.Replace("{0}", text, StringComparison.Ordinal),
                    secret,
                    number % 2 == 0
                );
            }
        }
    }

    private static IEnumerable<LabelledText> Texts(string file, bool leak)
    {
        var number = 0;
        foreach (
            var line in File.ReadLines(
                System.IO.Path.Combine(Repository.Root, "tests/Mayfly.Tests/Scanner/Corpus", file)
            )
        )
        {
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            number++;
            var (path, template) = (line[..line.IndexOf('\t')], line[(line.IndexOf('\t') + 1)..]);
            for (var draw = 0u; draw < DrawsOfTexts; draw++)
            {
                var (text, _) = SecretTemplate.Fill(template, 2000 + draw);
                var from = text.IndexOf('«', StringComparison.Ordinal);
                var to = text.IndexOf('»', StringComparison.Ordinal);
                yield return new LabelledText(
                    file,
                    path,
                    text.Replace("«", "", StringComparison.Ordinal).Replace("»", "", StringComparison.Ordinal),
                    leak ? text[(from + 1)..to] : null,
                    number % 2 == 0
                );
            }
        }
    }
}
