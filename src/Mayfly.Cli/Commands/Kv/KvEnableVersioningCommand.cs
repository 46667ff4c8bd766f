using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Kv;

internal sealed class KvEnableVersioningCommand()
    : Command("enable-versioning", "Turn a version 1 store into a version 2 store")
{
    public override string Usage => "[options] PATH";

    public override string Details =>
        """
            Turns versioning on for the store that is mounted at PATH. What it holds becomes version 1 of each secret.
            $ mayfly kv enable-versioning kv
            """;

    public override int Fewest => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        var mount = Paths.Folder(call.Arguments[0]);
        var response = await call.WriteAsync(
            $"sys/mounts/{mount}tune",
            static writer =>
            {
                writer.WriteStartObject("options");
                writer.WriteString("version", "2");
                writer.WriteEndObject();
            }
        );
        return call.Done(
            $"Success! Tuned the secrets engine at: {mount}",
            $"Error tuning secrets engine {mount}",
            response
        );
    }
}
