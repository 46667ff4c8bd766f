using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Kv;

internal sealed class KvRollbackCommand() : KvCommand("rollback", "Make an earlier version the current one")
{
    private readonly NumberFlag _version = new("version", "The version to go back to.");

    public override string Usage => "[options] -version=N KEY";

    public override string Details =>
        """
            Writes the data of an earlier version as a new one. Nothing is lost, and a change in between is noticed.
            $ mayfly kv rollback -version=2 secret/app
            """;

    public override IReadOnlyList<Flag> Flags => [.. base.Flags, _version];

    protected override string? CheckArguments(Invocation call) =>
        _version.Value is null ? "Missing flag -version"
        : _version.Value < 1 ? $"Invalid value {_version.Value} for the version flag"
        : null;

    protected override async Task<int> RunAsync(Invocation call, KvPath path)
    {
        if (!path.IsVersion2)
        {
            return NeedsVersion2(call, path, Exit.Server);
        }

        var api = path.Api("data");
        // Not wrapped, whatever was asked for: these answers are read here.
        var current = await call.SendAsync(new MayflyRequest(HttpMethod.Get, api));
        var now = SecretRows.Member(SecretRows.Member(current.Data, "metadata"), "version");
        if (now.ValueKind != JsonValueKind.Number)
        {
            return call.Refused($"Error doing pre-read at {api}", current);
        }

        var wanted = await call.SendAsync(
            new MayflyRequest(HttpMethod.Get, api) { Query = [new("version", _version.Value!.Value.ToString())] }
        );
        var data = SecretRows.Member(wanted.Data, "data");
        if (data.ValueKind != JsonValueKind.Object)
        {
            call.Print.Error($"Version {_version.Value} of {api} has no data: it is deleted, destroyed or never was.");
            return Exit.Server;
        }

        var response = await call.WriteAsync(
            api,
            writer =>
            {
                writer.WritePropertyName("data");
                data.WriteTo(writer);
                writer.WriteStartObject("options");
                writer.WritePropertyName("cas");
                now.WriteTo(writer);
                writer.WriteEndObject();
            }
        );
        return response.IsSuccess
            ? KvTables.Written(call, path, response)
            : call.Refused($"Error writing data to {api}", response);
    }
}
