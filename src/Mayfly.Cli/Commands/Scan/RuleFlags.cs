using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Scan;

/// <summary>Which rules, with gitleaks' names.</summary>
internal sealed class RuleFlags
{
    public TextFlag Config { get; } =
        new(
            "config",
            "File with the rules, in gitleaks' format. Else GITLEAKS_CONFIG, the text in GITLEAKS_CONFIG_TOML, .gitleaks.toml of what is scanned, or Mayfly's own rules."
        )
        {
            Alias = "c",
        };

    public ListFlag EnableRule { get; } = new("enable-rule", "Only this rule. May be repeated.", splitAtCommas: true);

    public IReadOnlyList<Flag> All => [Config, EnableRule];
}
