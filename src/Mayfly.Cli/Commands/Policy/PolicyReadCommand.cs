using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Output;

namespace Mayfly.Cli.Commands.Policy;

internal sealed class PolicyReadCommand() : Command("read", "Print a policy")
{
    public override string Usage => "[options] NAME";

    public override string Details =>
        """
            Prints a policy as it was uploaded.
            $ mayfly policy read app
            """;

    public override int Fewest => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        var name = call.Arguments[0].Trim().ToLowerInvariant();
        var response = await call.ReadAsync($"sys/policies/acl/{name}");
        if (response.Status == 404 && response.Errors.Count == 0)
        {
            call.Print.Error($"No policy named: {name}");
            return Exit.Server;
        }

        if (!response.IsSuccess)
        {
            return call.Refused($"Error reading policy named {name}", response);
        }

        var policy = SecretRows.Member(response.Data, "policy");
        if (call.Print.IsTable)
        {
            call.Print.Line(PlainText.Of(policy).Trim());
        }
        else
        {
            call.Print.Structured(
                JsonText.Element(writer =>
                {
                    writer.WriteStartObject();
                    writer.WritePropertyName("policy");
                    policy.WriteTo(writer);
                    writer.WriteEndObject();
                })
            );
        }

        return Exit.Ok;
    }
}
