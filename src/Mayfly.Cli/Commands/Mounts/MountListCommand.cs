using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;

namespace Mayfly.Cli.Commands.Mounts;

internal sealed class MountListCommand(MountKind kind) : Command("list", $"List the {kind.Plural}")
{
    private readonly BoolFlag _detailed = new("detailed", "With times, options and identifiers.");

    public override string Usage => "[options]";

    public override string Details =>
        $"""
            Lists the {kind.Plural} and where they are.
            $ mayfly {(kind.IsAuth ? "auth" : "secrets")} list -detailed
            """;

    public override IReadOnlyList<Flag> Flags => [_detailed];

    public override async Task<int> RunAsync(Invocation call)
    {
        var response = await call.ReadAsync(kind.Api.TrimEnd('/'));
        if (!response.IsSuccess)
        {
            return call.Refused($"Error listing {kind.Plural}", response);
        }

        if (!call.Print.IsTable)
        {
            call.Print.Structured(response.Data);
            return Exit.Ok;
        }

        var rows = new List<IReadOnlyList<string>>();
        foreach (var mount in PlainText.Sorted(response.Data))
        {
            if (mount.Value.ValueKind == JsonValueKind.Object)
            {
                rows.Add(_detailed.Value ? Detailed(mount) : Simple(mount));
            }
        }

        call.Print.Line(Columns.Table(_detailed.Value ? DetailedHeader : SimpleHeader, rows));
        return Exit.Ok;
    }

    private string[] SimpleHeader =>
        kind.IsAuth
            ? ["Path", "Type", "Accessor", "Description", "Version"]
            : ["Path", "Type", "Accessor", "Description"];

    private string[] DetailedHeader =>
        [
            "Path",
            "Plugin",
            "Accessor",
            "Default TTL",
            "Max TTL",
            .. kind.IsAuth ? (string[])["Token Type"] : ["Force No Cache"],
            "Replication",
            "Seal Wrap",
            "External Entropy Access",
            "Options",
            "Description",
            "UUID",
            "Version",
        ];

    private string[] Simple(JsonProperty mount) =>
        kind.IsAuth
            ? [mount.Name, Text(mount, "type"), Text(mount, "accessor"), Text(mount, "description"), Version(mount)]
            : [mount.Name, Text(mount, "type"), Text(mount, "accessor"), Text(mount, "description")];

    private string[] Detailed(JsonProperty mount)
    {
        var config = SecretRows.Member(mount.Value, "config");
        return
        [
            mount.Name,
            Text(mount, "type"),
            Text(mount, "accessor"),
            Ttl(config, "default_lease_ttl"),
            Ttl(config, "max_lease_ttl"),
            PlainTextOrEmpty(SecretRows.Member(config, kind.IsAuth ? "token_type" : "force_no_cache")),
            Text(mount, "local") == "true" ? "local" : "replicated",
            Text(mount, "seal_wrap"),
            Text(mount, "external_entropy_access"),
            SecretRows.Member(mount.Value, "options") is { ValueKind: JsonValueKind.Object } options
                ? PlainText.Of(options)
                : "map[]",
            Text(mount, "description"),
            Text(mount, "uuid"),
            Version(mount),
        ];
    }

    private static string Version(JsonProperty mount) => Text(mount, "plugin_version");

    private static string Text(JsonProperty mount, string name) =>
        PlainTextOrEmpty(SecretRows.Member(mount.Value, name));

    private static string PlainTextOrEmpty(JsonElement value) =>
        value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null ? "" : PlainText.Of(value);

    private static string Ttl(JsonElement config, string name) =>
        PlainTextOrEmpty(SecretRows.Member(config, name)) is "" or "0"
            ? "system"
            : PlainText.Of(SecretRows.Member(config, name));
}
