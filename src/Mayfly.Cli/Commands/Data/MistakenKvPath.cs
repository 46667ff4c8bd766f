using Mayfly.Cli.Commands.Kv;
using Mayfly.Cli.Dispatch;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Data;

/// <summary>
/// The most common mistake: <c>secret/app</c> where a version 2 store wants <c>secret/data/app</c>. The failure alone
/// (404 or 403) does not tell, so the right path is named.
/// </summary>
internal static class MistakenKvPath
{
    /// <summary>Adds a line to the failure when <paramref name="path"/> is such a one.</summary>
    public static async Task HintAsync(Invocation call, string path, string verb, MayflyResponse failure)
    {
        if (failure.Status is not (403 or 404 or 405))
        {
            return;
        }

        var (found, _) = await KvPath.FindAsync(call, path);
        if (found is not { IsVersion2: true } kv || KvPath.IsApiPath(kv.Relative))
        {
            return;
        }

        var part = verb is "list" ? "metadata" : "data";
        call.Print.Warn(
            $"\n{kv.Mount} is a version 2 key/value store, whose API path for this is {kv.Api(part)}.\n"
                + $"Try: mayfly kv {verb} {kv.Mount}{kv.Relative}"
        );
    }
}
