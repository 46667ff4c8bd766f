using Mayfly.Hcl;

namespace Mayfly.Core.Policy.Passwords;

/// <summary>Reads password policies in Vault's notation: <c>length = 20</c> and <c>rule "charset" { … }</c>.</summary>
internal static class PasswordPolicyReader
{
    /// <summary>Parses HCL or JSON. Exactly one of the two results is null.</summary>
    public static (PasswordPolicy? Policy, string? Problem) Parse(string text)
    {
        var (body, error) = HclParser.Parse(text);
        if (body is null)
        {
            return (null, error!.ToString());
        }

        var fields = new HclFields(body);
        var length = fields.Int("length");
        var blocks = fields.Blocks("rule", labels: 1);
        var rules = new List<CharsetRule>(blocks.Count);
        var problem = fields.Finish();
        foreach (var block in blocks)
        {
            (var rule, var wrong) = ReadRule(block);
            problem ??= wrong;
            if (rule is not null)
            {
                rules.Add(rule);
            }
        }

        return problem is not null ? (null, problem.ToString())
            : length is null ? (null, "length is missing")
            : PasswordPolicy.Create((int)Math.Clamp(length.Value, int.MinValue, int.MaxValue), rules);
    }

    private static (CharsetRule? Rule, HclError? Error) ReadRule(HclBlock block)
    {
        if (block.Label != "charset")
        {
            var shown = block.Label.Length <= 64 ? block.Label : block.Label[..64] + "…";
            return (null, new HclError(block.Position, $"unrecognized rule type {shown}; there is: charset"));
        }

        var fields = new HclFields(block.Body);
        var charset = fields.String("charset");
        var minimum = fields.Int("min-chars") ?? 0;
        if (charset is null)
        {
            fields.Fail(block.Position, "a charset rule needs charset = \"…\"");
        }

        return fields.Finish() is { } error
            ? (null, error)
            : (new CharsetRule(charset!, (int)Math.Clamp(minimum, int.MinValue, int.MaxValue)), null);
    }
}
