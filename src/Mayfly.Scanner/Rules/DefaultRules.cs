namespace Mayfly.Scanner.Rules;

/// <summary>Mayfly's own rules, from <c>default-rules.toml</c>.</summary>
public static class DefaultRules
{
    private static readonly Lazy<RuleSet> Loaded = new(Load);

    /// <summary>The rules. Reading them takes some milliseconds, at first use.</summary>
    public static RuleSet Set => Loaded.Value;

    private static RuleSet Load()
    {
        using var stream = typeof(DefaultRules).Assembly.GetManifestResourceStream("default-rules.toml")!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return RuleFile.ReadTrusted("default-rules.toml", bytes);
    }
}
