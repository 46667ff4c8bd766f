namespace Mayfly.Scanner.Rules;

/// <summary>The rules and allowlists of a file before what it extends has been added. One owner.</summary>
internal sealed class RuleDraft
{
    private readonly List<string> _order = [];
    private readonly Dictionary<string, ScanRule> _rules = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RuleFields> _given = new(StringComparer.Ordinal);

    public IEnumerable<ScanRule> Rules => _order.Select(id => _rules[id]);

    public List<(Allowlist Allowlist, IReadOnlyList<string> Targets)> Allowlists { get; } = [];

    /// <summary>The file changes rules of another.</summary>
    public bool Extends { get; set; }

    public static RuleDraft From(RuleSet set)
    {
        var draft = new RuleDraft();
        foreach (var rule in set.Rules)
        {
            draft.Add(rule, RuleFields.All);
        }

        draft.Allowlists.AddRange(set.Allowlists.Select(allowlist => (allowlist, (IReadOnlyList<string>)[])));
        return draft;
    }

    public static RuleDraft Read(TomlFields fields)
    {
        var draft = new RuleDraft();
        foreach (var rule in fields.Tables("rules"))
        {
            var (read, given) = ReadRule(rule);
            if (read.Id.Length == 0)
            {
                rule.Fail(rule.Line, "a rule needs an \"id\"");
            }
            else
            {
                draft.Add(read, given);
            }
        }

        draft.Allowlists.AddRange(
            ReadAllowlists(fields, "allowlist").Select(each => (each.Allowlist, each.Fields.Strings("targetRules")))
        );
        return draft;
    }

    /// <summary>Adds what the file extends: its own rules come before, and change what they say of the base's.</summary>
    public void AddBase(RuleDraft below, IReadOnlyList<string> disabled)
    {
        foreach (var rule in below.Rules)
        {
            if (disabled.Contains(rule.Id, StringComparer.Ordinal))
            {
                continue;
            }

            if (_rules.TryGetValue(rule.Id, out var own))
            {
                _rules[rule.Id] = Override(rule, own, _given[rule.Id]);
            }
            else
            {
                Add(rule, RuleFields.All);
            }
        }

        Allowlists.AddRange(below.Allowlists);
    }

    private static ScanRule Override(ScanRule rule, ScanRule own, RuleFields given) =>
        rule with
        {
            Description = given.HasFlag(RuleFields.Description) ? own.Description : rule.Description,
            Regex = given.HasFlag(RuleFields.Regex) ? own.Regex : rule.Regex,
            SecretGroup = given.HasFlag(RuleFields.SecretGroup) ? own.SecretGroup : rule.SecretGroup,
            Entropy = given.HasFlag(RuleFields.Entropy) ? own.Entropy : rule.Entropy,
            Path = given.HasFlag(RuleFields.Path) ? own.Path : rule.Path,
            Keywords = [.. rule.Keywords.Union(own.Keywords, StringComparer.Ordinal)],
            Tags = [.. rule.Tags.Union(own.Tags, StringComparer.Ordinal)],
            Allowlists = [.. rule.Allowlists, .. own.Allowlists],
            Required = own.Required.Count > 0 ? own.Required : rule.Required,
            SkipReport = own.SkipReport || rule.SkipReport,
            Checksum = own.Checksum ?? rule.Checksum,
            Generic = own.Generic || rule.Generic,
        };

    private void Add(ScanRule rule, RuleFields given)
    {
        // Where a file has two rules of one name, the later one counts, as for gitleaks.
        if (_rules.TryAdd(rule.Id, rule))
        {
            _order.Add(rule.Id);
        }

        _rules[rule.Id] = rule;
        _given[rule.Id] = given;
    }

    private static (ScanRule Rule, RuleFields Given) ReadRule(TomlFields fields)
    {
        var given = RuleFields.None;
        foreach (
            var (name, flag) in (ReadOnlySpan<(string, RuleFields)>)
                [
                    ("description", RuleFields.Description),
                    ("regex", RuleFields.Regex),
                    ("secretGroup", RuleFields.SecretGroup),
                    ("entropy", RuleFields.Entropy),
                    ("path", RuleFields.Path),
                ]
        )
        {
            given |= fields.Has(name) ? flag : RuleFields.None;
        }

        var rule = new ScanRule
        {
            Id = fields.String("id"),
            Description = fields.String("description"),
            Regex = fields.Regex("regex"),
            SecretGroup = fields.Count("secretGroup") ?? 0,
            Entropy = fields.Number("entropy") ?? 0,
            Path = fields.Regex("path"),
            Keywords = [.. fields.Strings("keywords").Select(word => word.ToLowerInvariant())],
            Tags = fields.Strings("tags"),
            Allowlists = [.. ReadAllowlists(fields, "allowlist").Select(each => each.Allowlist)],
            Required = [.. fields.Tables("required").Select(ReadRequired)],
            SkipReport = fields.Bool("skipReport"),
            Checksum = ReadChecksum(fields),
            Generic = fields.Bool("generic"),
            Origin = fields.Place,
        };
        return (rule, given);
    }

    private static Checksum? ReadChecksum(TomlFields fields)
    {
        var name = fields.String("checksum");
        var checksum = Checksum.Find(name);
        if (checksum is null && name.Length > 0)
        {
            fields.Fail(fields.Line, $"there is no checksum \"{name}\", but {string.Join(", ", Checksum.All)}");
        }

        return checksum;
    }

    private static RequiredRule ReadRequired(TomlFields fields)
    {
        var id = fields.String("id");
        if (id.Length == 0)
        {
            fields.Fail(fields.Line, "a required rule needs an \"id\"");
        }

        return new RequiredRule(id, fields.Count("withinLines"), fields.Count("withinColumns"));
    }

    /// <summary>The older <c>[allowlist]</c>, or <c>[[allowlists]]</c>.</summary>
    private static IEnumerable<(Allowlist Allowlist, TomlFields Fields)> ReadAllowlists(TomlFields fields, string name)
    {
        var one = fields.Table(name);
        var several = fields.Tables(name + "s");
        if (one is not null && several.Count > 0)
        {
            fields.Fail(one.Line, $"there are both [{name}] and [[{name}s]]; use the latter");
        }

        foreach (var each in one is null ? several : [one])
        {
            yield return (ReadAllowlist(each), each);
        }
    }

    private static Allowlist ReadAllowlist(TomlFields fields)
    {
        var condition = fields.String("condition").ToUpperInvariant();
        if (condition is not ("" or "OR" or "||" or "AND" or "&&"))
        {
            fields.Fail(fields.Line, $"\"condition\" is OR or AND, not \"{fields.String("condition")}\"");
        }

        var target = fields.String("regexTarget");
        if (target is not ("" or "secret" or "match" or "line"))
        {
            fields.Fail(fields.Line, $"\"regexTarget\" is secret, match or line, not \"{target}\"");
        }

        var allowlist = new Allowlist
        {
            Description = fields.String("description"),
            All = condition is "AND" or "&&",
            Commits = fields.Strings("commits"),
            Paths = fields.Regexes("paths"),
            Regexes = fields.Regexes("regexes"),
            Target = target switch
            {
                "match" => AllowlistTarget.Match,
                "line" => AllowlistTarget.Line,
                _ => AllowlistTarget.Secret,
            },
            StopWords = fields.Strings("stopwords"),
        };
        if (
            allowlist.Commits.Count == 0
            && allowlist.Paths.Count == 0
            && allowlist.Regexes.Count == 0
            && allowlist.StopWords.Count == 0
        )
        {
            fields.Fail(fields.Line, "an allowlist needs commits, paths, regexes or stopwords");
        }

        return allowlist;
    }
}

/// <summary>What a rule of a file says itself, and so overrides of the one that it extends.</summary>
[Flags]
internal enum RuleFields
{
    None = 0,
    Description = 1,
    Regex = 2,
    SecretGroup = 4,
    Entropy = 8,
    Path = 16,
    All = 31,
}
