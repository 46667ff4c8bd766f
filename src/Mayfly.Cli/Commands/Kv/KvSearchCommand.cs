using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Kv;

internal sealed class KvSearchCommand() : Command("search", "Find secrets by name")
{
    private const int AtOnce = 8;

    private readonly BoolFlag _metadata = new(
        "metadata",
        "Look into custom metadata too. Asks for the metadata of every secret, so it takes longer."
    );

    public override string Usage => "[options] TEXT [PATH]";

    public override string Details =>
        """
            Finds secrets whose path contains TEXT, in any case of letters: below PATH, or in every key/value store
            that the token may see. Only what the token may list is found. Values are never read.
            $ mayfly kv search postgres
            $ mayfly kv search -metadata owner-team secret/
            """;

    public override IReadOnlyList<Flag> Flags => [_metadata];

    public override int Fewest => 1;

    public override int Most => 2;

    public override async Task<int> RunAsync(Invocation call)
    {
        var text = call.Arguments[0];
        var (roots, code) = await RootsAsync(call);
        if (code != Exit.Ok)
        {
            return code;
        }

        var found = new List<string>();
        var denied = 0;
        foreach (var root in roots)
        {
            var walk = new KvWalk(call, root);
            var secrets = await walk.SecretsAsync();
            if (walk.Failure is { } failure)
            {
                return call.Refused($"Error listing {root.Mount}", failure);
            }

            denied += walk.Denied;
            var prefix = root.Mount + (root.Relative.Length == 0 ? "" : root.Relative + "/");
            found.AddRange(await MatchesAsync(call, root, prefix, secrets, text));
        }

        found.Sort(StringComparer.Ordinal);
        Show(call, found, denied);
        if (found.Count == 0 && call.Print.IsTable)
        {
            call.Print.Error("Nothing found.");
        }

        return found.Count > 0 ? Exit.Ok : Exit.Server;
    }

    /// <summary>One path per line, without a header: made for grep and xargs.</summary>
    public static void Show(Invocation call, List<string> paths, int denied)
    {
        if (call.Print.IsTable)
        {
            foreach (var path in paths)
            {
                call.Print.Line(path);
            }
        }
        else
        {
            call.Print.Structured(
                JsonText.Element(writer =>
                {
                    writer.WriteStartArray();
                    foreach (var path in paths)
                    {
                        writer.WriteStringValue(path);
                    }

                    writer.WriteEndArray();
                })
            );
        }

        if (denied > 0)
        {
            call.Print.Warn(
                $"{denied} {(denied == 1 ? "folder was" : "folders were")} left out: the token may not list there."
            );
        }
    }

    private static async Task<(List<KvPath> Roots, int Code)> RootsAsync(Invocation call)
    {
        if (call.Arguments.Count == 2)
        {
            var (path, code) = await KvPath.ResolveAsync(call, mountFlag: null, call.Arguments[1]);
            return ([path], code);
        }

        // The mounts that this token may see, without needing the right to list all.
        var response = await call.SendAsync(new MayflyRequest(HttpMethod.Get, "sys/internal/ui/mounts"));
        if (!response.IsSuccess)
        {
            return ([], call.Refused("Error listing the key/value stores", response));
        }

        var roots = new List<KvPath>();
        foreach (var mount in PlainText.Sorted(SecretRows.Member(response.Data, "secret")))
        {
            if (PlainText.Of(SecretRows.Member(mount.Value, "type")) is "kv" or "generic")
            {
                var options = SecretRows.Member(mount.Value, "options");
                var version = PlainText.Of(SecretRows.Member(options, "version"));
                roots.Add(new KvPath(mount.Name, "", version == "2"));
            }
        }

        return (roots, Exit.Ok);
    }

    private async Task<List<string>> MatchesAsync(
        Invocation call,
        KvPath root,
        string prefix,
        List<string> secrets,
        string text
    )
    {
        var matches = new List<string>();
        var others = new List<string>();
        foreach (var secret in secrets)
        {
            (Matches(prefix + secret, text) ? matches : others).Add(secret);
        }

        if (_metadata.Value && root.IsVersion2)
        {
            foreach (var batch in others.Chunk(AtOnce))
            {
                var flags = await Task.WhenAll(batch.Select(secret => HasMetadataAsync(call, root, secret, text)));
                matches.AddRange(batch.Where((_, i) => flags[i]));
            }
        }

        return matches.ConvertAll(secret => prefix + secret);
    }

    private static async Task<bool> HasMetadataAsync(Invocation call, KvPath root, string secret, string text)
    {
        var inside = root.Relative.Length == 0 ? secret : $"{root.Relative}/{secret}";
        var path = (root with { Relative = inside }).Api("metadata");
        var response = await call.SendAsync(new MayflyRequest(HttpMethod.Get, path));
        foreach (var member in PlainText.Sorted(SecretRows.Member(response.Data, "custom_metadata")))
        {
            if (Matches(member.Name, text) || Matches(PlainText.Of(member.Value), text))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Matches(string where, string text) => where.Contains(text, StringComparison.OrdinalIgnoreCase);
}
