using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;

namespace Mayfly.Cli.Commands.Policy;

internal sealed class PolicyExplainCommand() : Command("explain", "Say which rule decides about a path, and why")
{
    private readonly TextFlag _accessor = new(
        "accessor",
        "Ask about the token with this accessor; needs the right to."
    );

    public override string Usage => "[options] PATH OPERATION";

    public override string Details =>
        """
            Says whether the token in use may do OPERATION (create, read, update, patch, delete, list) at a path of
            the API, which rule of which policy decides, and why the others do not. Exit code: 0 allowed, 2 denied.
            $ mayfly policy explain secret/data/app read
            """;

    public override IReadOnlyList<Flag> Flags => [_accessor];

    public override int Fewest => 2;

    public override async Task<int> RunAsync(Invocation call)
    {
        var path = call.Arguments[0].TrimStart('/');
        var operation = call.Arguments[1].ToLowerInvariant();
        var response = await call.WriteAsync(
            "sys/internal/policy-explain",
            writer =>
            {
                writer.WriteString("path", path);
                writer.WriteString("operation", operation);
                if (_accessor.Value is { } accessor)
                {
                    writer.WriteString("accessor", accessor);
                }
            }
        );
        if (!response.IsSuccess)
        {
            return call.Refused("Error explaining", response);
        }

        var allowed = SecretRows.Member(response.Data, "allowed").ValueKind == JsonValueKind.True;
        if (!call.Print.IsTable)
        {
            call.Print.Structured(response.Data);
        }
        else
        {
            call.Print.Line($"{(allowed ? "Allowed" : "Denied")}: {operation} {path}\n");
            foreach (var sentence in SecretRows.Member(response.Data, "explanation").EnumerateArray())
            {
                call.Print.Line(PlainText.Of(sentence));
            }
        }

        return allowed ? Exit.Ok : Exit.Server;
    }
}
