using Mayfly.Scanner.Rules;
using Mayfly.Tests.Scanner.Corpus;

namespace Mayfly.Benchmarks.Scan;

/// <summary>
/// Precision, recall and F1 of the default rules on the labelled corpus, kind by kind, and of gitleaks' published rules on the
/// same texts by the same engine, when they are here.
/// </summary>
internal static class QualityBenchmark
{
    public static Task<IReadOnlyList<Figure>> MainAsync(CancellationToken cancellation) =>
        Task.Run<IReadOnlyList<Figure>>(Run, cancellation);

    private static List<Figure> Run()
    {
        var (our, kinds, _) = Quality.Of(DefaultRules.Set, LabelledText.All);
        var their = Theirs() is { } set
            ? Quality.Of(set, LabelledText.All)
            : default((Quality, SortedDictionary<string, Quality>, List<string>)?);
        foreach (var (kind, quality) in kinds)
        {
            Console.WriteLine($"{kind, -40} {quality}");
            if (their?.Item2.GetValueOrDefault(kind) is { } other)
            {
                Console.WriteLine($"{"  gitleaks", -40} {other}");
            }
        }

        var held = Quality.Of(DefaultRules.Set, LabelledText.All.Where(item => item.HeldOut)).All;
        List<Figure> figures =
        [
            new("scan-quality.texts", LabelledText.All.Count, "texts"),
            .. Figures("scan-quality", our),
            .. Figures("scan-quality.held_out", held),
        ];
        if (their is { } peer)
        {
            figures.AddRange(Figures("scan-quality.gitleaks", peer.Item1));
        }

        return figures;
    }

    private static IEnumerable<Figure> Figures(string name, Quality quality) =>
        [
            new($"{name}.precision", quality.Precision, "of findings"),
            new($"{name}.recall", quality.Recall, "of secrets"),
            new($"{name}.f1", quality.F1, ""),
        ];

    private static RuleSet? Theirs()
    {
        var folder =
            Environment.GetEnvironmentVariable("MAYFLY_CONFORMANCE")
            ?? Path.Combine(Mayfly.Tests.Repository.Root, "..", "shared", "conformance");
        var file = Path.Combine(folder, "gitleaks", "gitleaks.toml");
        return File.Exists(file)
            ? RuleFile.Read(file, File.ReadAllBytes(file), new RuleSet([], []), _ => null).Rules
            : null;
    }
}
