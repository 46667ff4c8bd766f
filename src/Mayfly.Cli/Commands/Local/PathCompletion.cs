using System.Text.Json;
using Mayfly.Cli.Commands.Kv;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Local;

/// <summary>Asks the server what could follow a path. Silent and short: the person is waiting with a finger on Tab.</summary>
internal static class PathCompletion
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static IReadOnlyList<string> For(Command command, string typed, Session session)
    {
        var slash = typed.LastIndexOf('/');
        var folder = slash < 0 ? "" : typed[..(slash + 1)];
        try
        {
            using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
            using var client = new MayflyClient(
                new ConnectionFlags().Options(session) with
                {
                    MaxRetries = 0,
                    Timeout = Patience,
                }
            );
            // A console program has no other thread to go on with.
            var names = NamesAsync(client, command is KvCommand, folder, limit.Token).GetAwaiter().GetResult();
            return names
                .Select(name => folder + name)
                .Where(path => path.StartsWith(typed, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .ToList();
        }
        catch (Exception failure)
            when (failure is MayflyConnectionException or OperationCanceledException or FormatException or IOException)
        {
            return [];
        }
    }

    private static async Task<List<string>> NamesAsync(
        MayflyClient client,
        bool isKv,
        string folder,
        CancellationToken cancellation
    )
    {
        if (folder.Length == 0)
        {
            var mounts = await client.ReadAsync("sys/internal/ui/mounts", cancellation);
            var found = Mounts(mounts, "secret", "", isKv);
            return isKv ? found : [.. found, .. Mounts(mounts, "auth", "auth/", false), "sys/"];
        }

        var path = folder;
        if (isKv)
        {
            var mount = await client.ReadAsync("sys/internal/ui/mounts/" + folder.TrimEnd('/'), cancellation);
            path = KvPath.FromMount(folder.TrimEnd('/'), mount).ApiFolder("metadata");
        }

        var listing = await client.ListAsync(path, cancellation);
        var keys = SecretRows.Member(listing.Data, "keys");
        return keys.ValueKind == JsonValueKind.Array ? [.. keys.EnumerateArray().Select(PlainText.Of)] : [];
    }

    private static List<string> Mounts(MayflyResponse response, string section, string prefix, bool onlyKv)
    {
        var names = new List<string>();
        foreach (var mount in PlainText.Sorted(SecretRows.Member(response.Data, section)))
        {
            if (!onlyKv || PlainText.Of(SecretRows.Member(mount.Value, "type")) is "kv" or "generic")
            {
                names.Add(prefix + mount.Name);
            }
        }

        return names;
    }
}
