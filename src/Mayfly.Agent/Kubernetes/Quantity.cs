using System.Globalization;
using System.Text.RegularExpressions;

namespace Mayfly.Agent.Kubernetes;

/// <summary>Kubernetes' quantities: <c>250m</c>, <c>128Mi</c>, <c>1.5</c>, <c>2e3</c>.</summary>
internal static partial class Quantity
{
    /// <summary>The amount in whole units (cores, bytes); false when the text is no quantity that Kubernetes takes.</summary>
    public static bool TryParse(string text, out double amount)
    {
        amount = 0;
        if (text.Length > 32 || Form().Match(text) is not { Success: true } match)
        {
            return false;
        }

        amount =
            double.Parse(match.Groups["number"].ValueSpan, CultureInfo.InvariantCulture)
            * Factor(match.Groups["suffix"].Value);
        return double.IsFinite(amount);
    }

    private static double Factor(string suffix) =>
        suffix switch
        {
            "" => 1,
            "n" => 1e-9,
            "u" => 1e-6,
            "m" => 1e-3,
            "k" => 1e3,
            "M" => 1e6,
            "G" => 1e9,
            "T" => 1e12,
            "P" => 1e15,
            "E" => 1e18,
            "Ki" => 1L << 10,
            "Mi" => 1L << 20,
            "Gi" => 1L << 30,
            "Ti" => 1L << 40,
            "Pi" => 1L << 50,
            "Ei" => 1L << 60,
            _ => double.Parse("1" + suffix, CultureInfo.InvariantCulture),
        };

    [GeneratedRegex(
        "^(?<number>[0-9]+(\\.[0-9]*)?|\\.[0-9]+)(?<suffix>|[numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]{1,2})\\z",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1_000
    )]
    private static partial Regex Form();
}
