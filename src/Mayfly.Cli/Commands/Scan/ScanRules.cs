using System.Text;
using Mayfly.Cli.Dispatch;
using Mayfly.Scanner.Rules;

namespace Mayfly.Cli.Commands.Scan;

/// <summary>Finds the rules of a scan, in gitleaks' order.</summary>
internal static class ScanRules
{
    /// <summary>Exactly one of the first and the last is null.</summary>
    /// <param name="call">The invocation.</param>
    /// <param name="flags">Its flags.</param>
    /// <param name="source">The folder that is scanned, or null.</param>
    /// <returns>The rules, the file that they come from if one does, and what is wrong.</returns>
    public static (RuleSet? Rules, string? File, string? Problem) Load(Invocation call, RuleFlags flags, string? source)
    {
        var (rules, file, problem) = LoadAll(call, flags, source);
        if (rules is null || flags.EnableRule.Values.Count == 0)
        {
            return (rules, file, problem);
        }

        var chosen = flags.EnableRule.Values;
        if (chosen.FirstOrDefault(id => rules.Rules.All(rule => rule.Id != id)) is { } unknown)
        {
            return (null, file, $"there is no rule \"{unknown}\"");
        }

        // What a chosen rule requires has to be looked for, and is not reported.
        var needed = rules.Rules.Where(rule => chosen.Contains(rule.Id)).SelectMany(rule => rule.Required);
        var ids = needed.Select(required => required.Id).ToHashSet(StringComparer.Ordinal);
        var kept = rules
            .Rules.Where(rule => chosen.Contains(rule.Id) || ids.Contains(rule.Id))
            .Select(rule => chosen.Contains(rule.Id) ? rule : rule with { SkipReport = true });
        return (new RuleSet([.. kept], rules.Allowlists), file, null);
    }

    private static (RuleSet? Rules, string? File, string? Problem) LoadAll(
        Invocation call,
        RuleFlags flags,
        string? source
    )
    {
        if ((flags.Config.Value ?? Variable(call, "GITLEAKS_CONFIG")) is { } file)
        {
            return FromFile(file);
        }

        if (Variable(call, "GITLEAKS_CONFIG_TOML") is { } text)
        {
            var (rules, problem) = RuleFile.Read(
                "GITLEAKS_CONFIG_TOML",
                Encoding.UTF8.GetBytes(text),
                DefaultRules.Set,
                path => Open(path, ".")
            );
            return (rules, null, problem);
        }

        var beside = Path.Combine(source ?? ".", ".gitleaks.toml");
        return source is not null && File.Exists(beside) ? FromFile(beside) : (DefaultRules.Set, null, null);
    }

    private static (RuleSet? Rules, string? File, string? Problem) FromFile(string file)
    {
        byte[] content;
        try
        {
            content = File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, file, $"{file}: {e.Message}");
        }

        var folder = Path.GetDirectoryName(Path.GetFullPath(file)) ?? "/";
        var (rules, problem) = RuleFile.Read(file, content, DefaultRules.Set, path => Open(path, folder));
        return (rules, Path.GetFullPath(file), problem);
    }

    /// <summary>What a file extends: from where the scan was started, as for gitleaks, or from the file's folder.</summary>
    private static byte[]? Open(string path, string folder)
    {
        foreach (var candidate in (string[])[path, Path.Combine(folder, path)])
        {
            try
            {
                return File.ReadAllBytes(candidate);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The other one, or none, which the caller reports.
            }
        }

        return null;
    }

    private static string? Variable(Invocation call, string name) =>
        call.Session.Environment(name) is { Length: > 0 } value ? value : null;
}
