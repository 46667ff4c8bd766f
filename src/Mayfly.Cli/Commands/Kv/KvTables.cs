using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Kv;

/// <summary>The tables with titles that kv verbs show.</summary>
internal static class KvTables
{
    public static void Path(Printer print, string title, string path)
    {
        print.Line(Printer.Title(title, path.Length));
        print.Line(path + "\n");
    }

    public static void Titled(Printer print, string title, JsonElement data)
    {
        print.Line(Printer.Title(title, data));
        print.Data(data);
    }

    /// <summary>What a write of a new version says.</summary>
    public static int Written(Invocation call, KvPath path, MayflyResponse response)
    {
        if (call.Field is not null || response.WrapInfo.ValueKind == JsonValueKind.Object)
        {
            return call.Show(response);
        }

        if (response.Data.ValueKind != JsonValueKind.Object)
        {
            call.Print.Warnings(response);
            call.Print.Note($"Success! Data written to: {path.Api("data")}");
            return Exit.Ok;
        }

        if (!call.Print.IsTable)
        {
            return call.Show(response);
        }

        call.Print.Warnings(response);
        Path(call.Print, "Secret Path", path.Api("data"));
        Titled(call.Print, "Metadata", response.Data);
        return Exit.Ok;
    }
}
