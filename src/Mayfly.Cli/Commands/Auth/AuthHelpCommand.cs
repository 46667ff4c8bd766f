using Mayfly.Cli.Commands.Data;
using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Auth;

internal sealed class AuthHelpCommand() : Command("help", "Explain how to log in by an auth method")
{
    public override string Usage => "[options] TYPE | PATH";

    public override string Details =>
        """
            Explains how to log in by a type of auth method, or what the server says about the one enabled at PATH.
            $ mayfly auth help userpass
            $ mayfly auth help ci/
            """;

    public override int Fewest => 1;

    public override Task<int> RunAsync(Invocation call)
    {
        var argument = call.Arguments[0];
        if (Known(argument) is { } help)
        {
            call.Print.Line(help);
            return Task.FromResult(Exit.Ok);
        }

        return PathHelpCommand.ShowAsync(call, "auth/" + Paths.Clean(argument));
    }

    private static string? Known(string type) =>
        type switch
        {
            "token" => """
                Usage: mayfly login [TOKEN | -]

                  Takes a token that already exists, checks it and keeps it. Without TOKEN it is asked for, without
                  echo; "-" reads it from standard input.
                """,
            "userpass" => """
                Usage: mayfly login -method=userpass [username=NAME] [password=...]

                  Logs a person in by name and password. The name defaults to $USER. Without password= it is asked
                  for, without echo; password=- reads it from standard input.
                """,
            "approle" => """
                Usage: mayfly login -method=approle role_id=ID [secret_id=...]

                  Logs a program in by its role. secret_id=- reads the secret-id from standard input, secret_id=@file
                  from a file.
                """,
            _ => null,
        };
}
