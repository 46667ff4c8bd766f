using System.Globalization;
using System.Text;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Tests.Scanner.Corpus;

/// <summary>How well rules tell leaks from what is none: counts, and what follows from them.</summary>
/// <param name="Found">Secrets that were found.</param>
/// <param name="Missed">Secrets that were not.</param>
/// <param name="False">Findings where there is no secret.</param>
internal sealed record Quality(int Found, int Missed, int False)
{
    public double Precision => Found + False == 0 ? 1 : (double)Found / (Found + False);

    public double Recall => Found + Missed == 0 ? 1 : (double)Found / (Found + Missed);

    public double F1 => Precision + Recall == 0 ? 0 : 2 * Precision * Recall / (Precision + Recall);

    public static Quality operator +(Quality one, Quality other) =>
        new(one.Found + other.Found, one.Missed + other.Missed, one.False + other.False);

    /// <summary>Each text is a file of its own, so that nothing helps but what stands beside the secret.</summary>
    /// <param name="rules">The rules.</param>
    /// <param name="corpus">What to measure them by.</param>
    /// <returns>In all, by the corpus' kinds, and what went wrong.</returns>
    public static (Quality All, SortedDictionary<string, Quality> Kinds, List<string> Wrong) Of(
        RuleSet rules,
        IEnumerable<LabelledText> corpus
    )
    {
        var scanner = new SecretScanner(rules);
        var kinds = new SortedDictionary<string, Quality>(StringComparer.Ordinal);
        var wrong = new List<string>();
        foreach (var item in corpus)
        {
            var findings = scanner.PassesOver(item.Path)
                ? []
                : scanner.Scan(new Fragment(Encoding.UTF8.GetBytes(item.Text), item.Path));
            var right = findings.Count(finding => item.Secret is { } secret && IsOf(finding, secret));
            var missed = item.Secret is not null && right == 0 ? 1 : 0;
            var none = item.Secret is null ? findings.Count : 0;
            if (missed + none > 0)
            {
                var what = missed > 0 ? "missed" : string.Join(", ", findings.Select(finding => finding.RuleId));
                wrong.Add($"{item.Kind}: {what}: {item.Path}: {item.Text.ReplaceLineEndings("\\n")}");
            }

            var quality = new Quality(item.Secret is null ? 0 : 1 - missed, missed, none);
            kinds[item.Kind] = kinds.GetValueOrDefault(item.Kind, new Quality(0, 0, 0)) + quality;
        }

        return (kinds.Values.Aggregate((one, other) => one + other), kinds, wrong);
    }

    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"precision {Precision:0.000}  recall {Recall:0.000}  F1 {F1:0.000}  ({Found} found, {Missed} missed, {False} false)"
        );

    private static bool IsOf(Finding finding, string secret) =>
        finding.Secret.Contains(secret, StringComparison.Ordinal)
        || secret.Contains(finding.Secret, StringComparison.Ordinal)
        || finding.Match.Contains(secret, StringComparison.Ordinal);
}
