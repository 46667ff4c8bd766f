using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Policy;

internal sealed class PolicyWriteCommand() : Command("write", "Upload a policy")
{
    public override string Usage => "[options] NAME FILE";

    public override string Details =>
        """
            Uploads a policy in HCL or JSON from a file, or from standard input if FILE is "-".
            $ mayfly policy write app app.hcl
            $ mayfly policy write app - < app.hcl
            """;

    public override int Fewest => 2;

    public override async Task<int> RunAsync(Invocation call)
    {
        // Vault's servers know names in lower case only.
        var name = call.Arguments[0].Trim().ToLowerInvariant();
        var file = call.Arguments[1].Trim();
        string rules;
        if (file == "-")
        {
            using var reader = new StreamReader(call.Session.Input());
            rules = await reader.ReadToEndAsync(call.Cancellation);
        }
        else
        {
            rules = await File.ReadAllTextAsync(file, call.Cancellation);
        }

        var response = await call.WriteAsync($"sys/policies/acl/{name}", writer => writer.WriteString("policy", rules));
        return call.Done($"Success! Uploaded policy: {name}", "Error uploading policy", response);
    }
}
