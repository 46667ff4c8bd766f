using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Mounts;

/// <summary><c>secrets enable</c> and <c>auth enable</c>.</summary>
internal sealed class EnableCommand(MountKind kind) : Command("enable", $"Enable {kind.Indefinite}")
{
    private readonly TextFlag _path = new("path", "Where it is mounted; at its type by default.");
    private readonly TextFlag _plugin = new("plugin-name", "Name of the plugin, when TYPE is plugin.")
    {
        Hidden = true,
    };
    private readonly BoolFlag _local = new("local", "Do not replicate.");
    private readonly BoolFlag _sealWrap = new("seal-wrap", "Wrap with the seal.") { Hidden = true };

    private readonly BoolFlag _entropy = new("external-entropy-access", "Use external entropy.") { Hidden = true };

    private readonly MountFlags _settings = new(kind.IsAuth);

    public override string Usage => "[options] TYPE";

    public override string Details =>
        kind.IsAuth
            ? """
                Enables an auth method: a way for people or programs to log in.
                $ mayfly auth enable userpass
                $ mayfly auth enable -path=ci approle
                """
            : """
                Enables a secrets engine at its type, or at -path.
                $ mayfly secrets enable -path=team -version=2 kv
                $ mayfly secrets enable kv-v2
                """;

    public override IReadOnlyList<Flag> Flags => [_path, _local, _plugin, _sealWrap, _entropy, .. _settings.All];

    public override int Fewest => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        var type = call.Arguments[0].Trim();
        if (type == "plugin" && _plugin.Value is { Length: > 0 } plugin)
        {
            type = plugin;
        }

        var mount = Paths.Folder(_path.Value is { Length: > 0 } path ? path : type);
        var response = await call.WriteAsync(
            kind.Api + mount.TrimEnd('/'),
            writer =>
            {
                writer.WriteString("type", type);
                if (_settings.Description is { } description)
                {
                    writer.WriteString("description", description);
                }

                writer.WriteBoolean("local", _local.Value);
                writer.WriteBoolean("seal_wrap", _sealWrap.Value);
                writer.WriteStartObject("config");
                _settings.WriteConfig(writer);
                writer.WriteEndObject();
                _settings.WriteOptions(writer);
            }
        );
        return call.Done(
            kind.IsAuth
                ? $"Success! Enabled {type} auth method at: {mount}"
                : $"Success! Enabled the {type} secrets engine at: {mount}",
            kind.IsAuth ? $"Error enabling {type} auth" : "Error enabling",
            response
        );
    }
}
