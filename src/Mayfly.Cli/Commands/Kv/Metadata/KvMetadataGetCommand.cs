using System.Globalization;
using System.Text.Json;
using Mayfly.Cli.Commands.Data;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Output;

namespace Mayfly.Cli.Commands.Kv.Metadata;

internal sealed class KvMetadataGetCommand() : KvCommand("get", "Show the versions and settings of a secret")
{
    public override string Usage => "[options] KEY";

    public override string Details =>
        """
            Shows the settings of a secret, its custom metadata, and every version with its times. No values.
            $ mayfly kv metadata get secret/app
            """;

    protected override async Task<int> RunAsync(Invocation call, KvPath path)
    {
        if (!path.IsVersion2)
        {
            return NeedsVersion2(call, path);
        }

        var api = path.Api("metadata");
        var response = await call.ReadAsync(api);
        if (response.Status == 404 && response.Errors.Count == 0)
        {
            return NotFound.At(call, api, response);
        }

        if (!response.IsSuccess)
        {
            return call.Refused($"Error reading {api}", response);
        }

        if (call.Field is not null || !call.Print.IsTable || response.WrapInfo.ValueKind == JsonValueKind.Object)
        {
            return call.Show(response);
        }

        var versions = SecretRows.Member(response.Data, "versions");
        var settings = Without(response.Data, "versions");
        KvTables.Path(call.Print, "Metadata Path", api);
        KvTables.Titled(call.Print, "Metadata", settings);
        foreach (var version in ByNumber(versions))
        {
            call.Print.Line("");
            KvTables.Titled(call.Print, $"Version {version.Name}", version.Value);
        }

        return Exit.Ok;
    }

    private static JsonElement Without(JsonElement data, string name) =>
        JsonText.Element(writer =>
        {
            writer.WriteStartObject();
            foreach (var member in data.EnumerateObject())
            {
                if (member.Name != name)
                {
                    member.WriteTo(writer);
                }
            }

            writer.WriteEndObject();
        });

    private static List<JsonProperty> ByNumber(JsonElement versions)
    {
        var sorted = new List<JsonProperty>(PlainText.Sorted(versions));
        sorted.Sort(static (a, b) => Number(a).CompareTo(Number(b)));
        return sorted;

        static int Number(JsonProperty version) =>
            int.TryParse(version.Name, CultureInfo.InvariantCulture, out var number) ? number : 0;
    }
}
