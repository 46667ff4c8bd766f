using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Mounts;

internal sealed class TuneCommand(MountKind kind) : Command("tune", $"Change the settings of {kind.Indefinite}")
{
    private readonly MountFlags _settings = new(kind.IsAuth);

    public override string Usage => "[options] PATH";

    public override string Details =>
        $"""
            Changes the settings that are given; others stay. A negative duration goes back to the system's default.
            $ mayfly {(
                kind.IsAuth ? "auth tune -max-lease-ttl=8h userpass" : "secrets tune -default-lease-ttl=1h team"
            )}/
            """;

    public override IReadOnlyList<Flag> Flags => _settings.All;

    public override int Fewest => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        var mount = Paths.Folder(call.Arguments[0]);
        var response = await call.WriteAsync(
            $"{(kind.IsAuth ? "sys/auth/" : "sys/mounts/")}{mount}tune",
            writer =>
            {
                if (_settings.Description is { } description)
                {
                    writer.WriteString("description", description);
                }

                _settings.WriteConfig(writer);
                _settings.WriteOptions(writer);
            }
        );
        return call.Done(
            $"Success! Tuned the {kind.Singular} at: {mount}",
            $"Error tuning {kind.Singular} {mount}",
            response
        );
    }
}
