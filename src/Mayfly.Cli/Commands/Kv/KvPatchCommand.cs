using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Kv;

internal sealed class KvPatchCommand() : KvCommand("patch", "Change some fields of a secret")
{
    private readonly NumberFlag _cas = new("cas", "Change only if this is the current version.");

    private readonly TextFlag _method = new(
        "method",
        "patch: HTTP PATCH only. rw: read, change here, write. Default: patch, then rw if the policy forbids patch."
    )
    {
        Choices = ["patch", "rw"],
    };

    private readonly ListFlag _remove = new("remove-data", "Field to remove. May be repeated.");

    public override string Usage => "[options] KEY [DATA K=V...]";

    public override string Details =>
        """
            Writes a new version in which the given fields are changed or added and the others stay.
            $ mayfly kv patch secret/app password=-
            $ mayfly kv patch -remove-data=old secret/app
            """;

    public override IReadOnlyList<Flag> Flags => [.. base.Flags, _cas, _method, _remove];

    public override int Most => int.MaxValue;

    protected override string? CheckArguments(Invocation call) =>
        call.Arguments.Count < 2 && _remove.Values.Count == 0 ? "Must supply data"
        : _method.Value is null or "" or "patch" or "rw" ? null
        : "Unsupported method provided to -method flag: choose patch or rw";

    protected override async Task<int> RunAsync(Invocation call, KvPath path)
    {
        if (!path.IsVersion2)
        {
            return NeedsVersion2(call, path, Exit.Server);
        }

        var data = new DataArguments();
        if (data.Add(call.Arguments.Skip(1), call.Session) is { } wrong)
        {
            return call.Wrong($"Failed to parse K=V data: {wrong}");
        }

        var api = path.Api("data");
        if (_method.Value != "rw")
        {
            var patched = await call.PatchAsync(api, JsonText.Bytes(writer => WritePatch(writer, data)));
            if (patched.IsSuccess)
            {
                return KvTables.Written(call, path, patched);
            }

            if (_method.Value == "patch" || patched.Status is not (403 or 405))
            {
                return call.Refused($"Error writing data to {api}", patched);
            }
        }

        return await ReadAndWriteAsync(call, path, api, data);
    }

    private void WritePatch(Utf8JsonWriter writer, DataArguments data)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("data");
        data.WriteMembers(writer);
        foreach (var name in _remove.Values)
        {
            writer.WriteNull(name);
        }

        writer.WriteEndObject();
        writer.WriteStartObject("options");
        if (_cas.Value is > 0 and var cas)
        {
            writer.WriteNumber("cas", cas);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private async Task<int> ReadAndWriteAsync(Invocation call, KvPath path, string api, DataArguments data)
    {
        var current = await call.SendAsync(new MayflyRequest(HttpMethod.Get, api));
        var old = SecretRows.Member(current.Data, "data");
        if (!current.IsSuccess)
        {
            return call.Refused($"Error doing pre-read at {api}", current);
        }

        if (old.ValueKind != JsonValueKind.Object)
        {
            call.Print.Error($"No data found at {api}; patch only works on existing data");
            return Exit.Server;
        }

        var version = SecretRows.Member(SecretRows.Member(current.Data, "metadata"), "version");
        var response = await call.WriteAsync(
            api,
            writer =>
            {
                writer.WriteStartObject("data");
                foreach (var member in old.EnumerateObject())
                {
                    if (!data.Keys.Contains(member.Name) && !_remove.Values.Contains(member.Name))
                    {
                        member.WriteTo(writer);
                    }
                }

                data.WriteMembers(writer);
                writer.WriteEndObject();
                // Whoever changed it in between must not be overwritten.
                writer.WriteStartObject("options");
                writer.WritePropertyName("cas");
                if (_cas.Value is > 0 and var cas)
                {
                    writer.WriteNumberValue(cas);
                }
                else
                {
                    version.WriteTo(writer);
                }

                writer.WriteEndObject();
            }
        );
        return response.IsSuccess
            ? KvTables.Written(call, path, response)
            : call.Refused($"Error writing data to {api}", response);
    }
}
