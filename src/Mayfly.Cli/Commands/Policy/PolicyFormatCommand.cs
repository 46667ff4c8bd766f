using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Policy;

internal sealed class PolicyFormatCommand() : Command("fmt", "Lay out a policy file")
{
    public override string Usage => "[options] FILE";

    public override string Details =>
        """
            Rewrites a policy file in HCL with even indentation and aligned equal signs. Only white space changes.
            $ mayfly policy fmt app.hcl
            """;

    public override bool UsesServer => false;

    public override int Fewest => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        var file = call.Arguments[0];
        var before = await File.ReadAllTextAsync(file, call.Cancellation);
        var (after, wrong) = HclLayout.Format(before);
        if (wrong is not null)
        {
            return call.Wrong($"{file}: {wrong}");
        }

        if (after != before)
        {
            await File.WriteAllTextAsync(file, after, call.Cancellation);
        }

        call.Print.Note($"Success! Formatted policy: {file}");
        return Exit.Ok;
    }
}
