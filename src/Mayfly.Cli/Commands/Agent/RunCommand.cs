using Mayfly.Agent.Run;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Agent;

internal sealed class RunCommand() : Command("run", "Run a program with secrets")
{
    private readonly ListFlag _env = new(
        "env",
        "NAME=PATH#FIELD: an environment variable with a field of a secret; without #FIELD all of it as JSON. May be repeated."
    );

    private readonly ListFlag _file = new(
        "file",
        "NAME=PATH#FIELD: the field is in a file in memory, and the variable tells where. May be repeated."
    );

    private readonly ListFlag _template = new(
        "template",
        "NAME=FILE: what the template in the file gives is in a file in memory, and the variable tells where. May be repeated."
    );

    private readonly BoolFlag _keepToken = new("keep-token", "Let the program have MAYFLY_TOKEN and VAULT_TOKEN, too.");

    public override string Usage => "[options] -- PROGRAM [ARGUMENTS]";

    public override string Details =>
        """
            Fetches secrets, runs a program with them, and ends with its exit code. Leases end when the program has. Signals
            are passed on. Whoever runs as the same user can read the environment of a program, and programs that it starts
            inherit it; -file keeps secrets out of it.
            $ mayfly run -env DB_PASSWORD=secret/app#password -- ./migrate
            $ mayfly run -file PGPASSFILE=secret/app#pgpass -- psql -h db
            $ mayfly run -template CONFIG=app.conf.tmpl -- ./app
            """;

    public override IReadOnlyList<Flag> Flags => [_env, _file, _template, _keepToken];

    public override int Fewest => 1;

    public override int Most => int.MaxValue;

    public override bool ShowsAnswers => false;

    public override Task<int> RunAsync(Invocation call) =>
        RunProgram.RunAsync(
            new RunArguments
            {
                Variables = _env.Values,
                Files = _file.Values,
                Templates = _template.Values,
                KeepsToken = _keepToken.Value,
                Command = call.Arguments,
            },
            call.Client,
            call.Session.Error,
            call.Cancellation
        );
}
