using Mayfly.Cli.Dispatch;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Data;

internal static class NotFound
{
    /// <summary>A 404 without a message: there is nothing at <paramref name="path"/>.</summary>
    public static int At(Invocation call, string path, MayflyResponse response)
    {
        foreach (var warning in response.Warnings)
        {
            call.Print.Warn($"WARNING! {warning}\n");
        }

        call.Print.Error($"No value found at {path}");
        return Exit.Server;
    }
}
