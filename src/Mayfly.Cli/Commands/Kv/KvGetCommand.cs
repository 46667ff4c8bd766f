using System.Text.Json;
using Mayfly.Cli.Commands.Data;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Kv;

internal sealed class KvGetCommand() : KvCommand("get", "Read a secret")
{
    private readonly NumberFlag _version = new("version", "Which version to read; the current one by default.");

    public override string Usage => "[options] KEY";

    public override string Details =>
        """
            Reads a secret, with what is known about its version.
            $ mayfly kv get secret/app
            $ mayfly kv get -mount=secret -version=3 app
            $ mayfly kv get -field=password secret/app
            """;

    public override IReadOnlyList<Flag> Flags => [.. base.Flags, _version];

    protected override async Task<int> RunAsync(Invocation call, KvPath path)
    {
        if (_version.IsSet && !path.IsVersion2)
        {
            return NeedsVersion2(call, path);
        }

        var api = path.Api("data");
        var response = _version.Value is { } version
            ? await call.ReadAsync(api, new KeyValuePair<string, string>("version", version.ToString()))
            : await call.ReadAsync(api);
        // A deleted version is a 404 that still says when it was deleted.
        var isDeleted = response.Status == 404 && response.Data.ValueKind == JsonValueKind.Object;
        if (!response.IsSuccess && !isDeleted)
        {
            return Failed(call, path, api, response);
        }

        if (!path.IsVersion2 || response.WrapInfo.ValueKind == JsonValueKind.Object)
        {
            return ShowPlain(call, response);
        }

        var data = SecretRows.Member(response.Data, "data");
        if (call.Field is { } field)
        {
            return ShowField(call, api, field, data, response);
        }

        if (!call.Print.IsTable)
        {
            return call.Show(response);
        }

        call.Print.Warnings(response);
        KvTables.Path(call.Print, "Secret Path", api);
        if (SecretRows.Member(response.Data, "metadata") is { ValueKind: JsonValueKind.Object } metadata)
        {
            KvTables.Titled(call.Print, "Metadata", metadata);
            call.Print.Line("");
        }

        if (data.ValueKind == JsonValueKind.Object)
        {
            KvTables.Titled(call.Print, "Data", data);
        }

        return Exit.Ok;
    }

    private static int ShowPlain(Invocation call, MayflyResponse response)
    {
        if (!call.Print.IsTable || call.Field is not null || response.Data.ValueKind != JsonValueKind.Object)
        {
            return call.Show(response);
        }

        call.Print.Warnings(response);
        KvTables.Titled(call.Print, "Data", response.Data);
        return Exit.Ok;
    }

    private static int ShowField(Invocation call, string api, string field, JsonElement data, MayflyResponse response)
    {
        if (data.ValueKind != JsonValueKind.Object)
        {
            call.Print.Error($"No data found at {api}");
            return Exit.Server;
        }

        var value = SecretRows.Member(data, field);
        return call.ShowField(
            field,
            value.ValueKind == JsonValueKind.Undefined ? SecretRows.Field(response, field) : value
        );
    }

    private static int Failed(Invocation call, KvPath path, string api, MayflyResponse response)
    {
        if (response.Status != 404 || response.Errors.Count > 0)
        {
            return call.Refused($"Error reading {api}", response);
        }

        var code = NotFound.At(call, api, response);
        if (path.IsVersion2 && KvPath.IsApiPath(path.Relative) && path.Relative.Contains('/', StringComparison.Ordinal))
        {
            var name = path.Relative[(path.Relative.IndexOf('/', StringComparison.Ordinal) + 1)..];
            call.Print.Warn($"\n\"kv\" adds data/ by itself. Try: mayfly kv get {path.Mount}{name}");
        }

        return code;
    }
}
