using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Policy;

internal sealed class PolicyDeleteCommand() : Command("delete", "Delete a policy")
{
    public override string Usage => "[options] NAME";

    public override string Details =>
        """
            Deletes a policy. Tokens that have it lose what it allowed at once. "root" and "default" stay.
            $ mayfly policy delete app
            """;

    public override int Fewest => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        var name = call.Arguments[0].Trim().ToLowerInvariant();
        var response = await call.DeleteAsync($"sys/policies/acl/{name}");
        return call.Done($"Success! Deleted policy: {name}", $"Error deleting {name}", response);
    }
}
