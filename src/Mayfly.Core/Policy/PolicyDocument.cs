using Mayfly.Hcl;

namespace Mayfly.Core.Policy;

/// <summary>A parsed policy. Immutable.</summary>
/// <param name="Name">In lower case.</param>
/// <param name="Text">As it was written.</param>
/// <param name="Rules">In the order they were written.</param>
internal sealed record PolicyDocument(string Name, string Text, IReadOnlyList<PolicyRule> Rules)
{
    /// <summary>Parses HCL or JSON. Exactly one of the two results is null.</summary>
    public static (PolicyDocument? Policy, HclError? Error) Parse(string name, string text)
    {
        var (body, error) = HclParser.Parse(text);
        if (body is null)
        {
            return (null, error);
        }

        var fields = new HclFields(body);
        fields.String("name");
        var blocks = fields.Blocks("path", labels: 1);
        if (fields.Finish() is { } wrong)
        {
            return (null, wrong);
        }

        var rules = new List<PolicyRule>(blocks.Count);
        foreach (var block in blocks)
        {
            var (rule, problem) = PolicyRuleReader.Read(block);
            if (rule is null)
            {
                return (null, problem! with { Message = $"path \"{Shown(block.Label)}\": {problem.Message}" });
            }

            rules.Add(rule);
        }

        return (new PolicyDocument(name, text, rules), null);
    }

    private static string Shown(string path) => path.Length <= 128 ? path : path[..128] + "…";
}
