namespace Mayfly.Scanner.Findings;

/// <summary>Takes secrets out of findings.</summary>
public static class Redaction
{
    /// <summary>Stands for a secret of which nothing is shown.</summary>
    internal const string Whole = "REDACTED";

    /// <summary>Follows what is shown of one.</summary>
    internal const string Cut = "...";

    /// <summary>The finding with its secret hidden.</summary>
    /// <param name="finding">As found.</param>
    /// <param name="percent">How much of the secret is hidden, from 1 to 100.</param>
    public static Finding Redact(Finding finding, int percent)
    {
        if (finding.Secret.Length == 0)
        {
            return finding;
        }

        var shown = percent >= 100 ? 0 : (int)Math.Round(finding.Secret.Length * (100 - percent) / 100.0);
        var mask = percent >= 100 ? Whole : finding.Secret[..shown] + Cut;
        return finding with
        {
            Secret = mask,
            Match = finding.Match.Replace(finding.Secret, mask, StringComparison.Ordinal),
            Line = finding.Line.Replace(finding.Secret, mask, StringComparison.Ordinal),
        };
    }
}
