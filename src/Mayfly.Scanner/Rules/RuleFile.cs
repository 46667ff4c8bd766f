using Mayfly.Scanner.Matching;
using Mayfly.Scanner.Toml;

namespace Mayfly.Scanner.Rules;

/// <summary>
/// Reads rules from gitleaks' configuration files, with what they extend. The first thing that is wrong in a file ends it,
/// with the file, the line and the reason.
/// </summary>
public static class RuleFile
{
    /// <summary>A file may extend one that extends one; what that one extends is left out, as gitleaks does.</summary>
    private const int MaxExtends = 2;

    /// <summary>Reads a configuration. Exactly one of the two results is null.</summary>
    /// <param name="name">The file's name, for messages, and from which relative paths in it start.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="defaults">What <c>useDefault = true</c> means.</param>
    /// <param name="open">Reads a file that is extended; null when it cannot be read.</param>
    public static (RuleSet? Rules, string? Problem) Read(
        string name,
        ReadOnlySpan<byte> content,
        RuleSet defaults,
        Func<string, byte[]?> open
    )
    {
        var (draft, problem) = Draft(name, content, defaults, open, depth: 0);
        return draft is null ? (null, problem) : Finish(draft, name);
    }

    /// <summary>Reads the program's own rules, which tests have seen to be valid, without compiling them.</summary>
    internal static RuleSet ReadTrusted(string name, ReadOnlySpan<byte> content)
    {
        var (document, error) = TomlReader.Read(content);
        var draft = RuleDraft.Read(
            new TomlFields(name, document ?? throw new InvalidOperationException($"{error}"), trusted: true)
        );
        var (rules, problem) = Finish(draft, name);
        return rules ?? throw new InvalidOperationException(problem);
    }

    private static (RuleDraft? Draft, string? Problem) Draft(
        string name,
        ReadOnlySpan<byte> content,
        RuleSet defaults,
        Func<string, byte[]?> open,
        int depth
    )
    {
        var (document, error) = TomlReader.Read(content);
        if (document is null)
        {
            return (null, $"{name}: {error}");
        }

        var fields = new TomlFields(name, document, trusted: false);
        var draft = RuleDraft.Read(fields);
        if (fields.Problem is not null)
        {
            return (null, fields.Problem);
        }

        if (fields.Table("extend") is { } extend)
        {
            draft.Extends = true;
            var disabled = extend.Strings("disabledRules");
            var path = extend.String("path");
            if (extend.Bool("useDefault"))
            {
                draft.AddBase(RuleDraft.From(defaults), disabled);
            }
            else if (path.Length > 0 && depth < MaxExtends)
            {
                if (open(path) is not { } bytes)
                {
                    return (null, $"{name}:{extend.Line}: the file {path}, which it extends, cannot be read");
                }

                var (below, problem) = Draft(path, bytes, defaults, open, depth + 1);
                if (below is null)
                {
                    return (null, problem);
                }

                draft.AddBase(below, disabled);
            }
        }

        return fields.Problem is { } wrong ? (null, wrong) : (draft, null);
    }

    private static (RuleSet?, string?) Finish(RuleDraft draft, string name)
    {
        var rules = new List<ScanRule>();
        foreach (var rule in draft.Rules)
        {
            if (rule.Regex is null && rule.Path is null)
            {
                // It was meant to change one of the base, which no longer has it.
                if (draft.Extends)
                {
                    continue;
                }

                return (null, $"{rule.Origin}: the rule \"{rule.Id}\" has neither a regex nor a path");
            }

            if (rule.SecretGroup > 0 && rule.SecretGroup > (rule.Regex?.Groups ?? 0))
            {
                return (
                    null,
                    $"{rule.Origin}: the rule \"{rule.Id}\" names group {rule.SecretGroup} as the secret, but its regex has "
                        + $"{rule.Regex?.Groups ?? 0}"
                );
            }

            rules.Add(rule);
        }

        var global = new List<Allowlist>();
        foreach (var (allowlist, targets) in draft.Allowlists)
        {
            if (targets.Count == 0)
            {
                global.Add(allowlist);
                continue;
            }

            foreach (var target in targets)
            {
                var at = rules.FindIndex(rule => rule.Id == target);
                if (at < 0)
                {
                    return (null, $"{name}: an allowlist is for the rule \"{target}\", which there is not");
                }

                rules[at] = rules[at] with { Allowlists = [.. rules[at].Allowlists, allowlist] };
            }
        }

        foreach (var rule in rules)
        {
            if (
                rule.Required.FirstOrDefault(required => rules.TrueForAll(other => other.Id != required.Id)) is { } gone
            )
            {
                return (null, $"{rule.Origin}: the rule \"{rule.Id}\" requires \"{gone.Id}\", which there is not");
            }
        }

        return (new RuleSet(rules, global), null);
    }
}
