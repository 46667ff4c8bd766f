using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Kv;

/// <summary>Where a secret lives: the mount, its version, and the path inside it.</summary>
/// <param name="Mount">With a slash at its end; empty when the server would not say.</param>
/// <param name="Relative">The path inside the mount, without slashes at its ends.</param>
/// <param name="IsVersion2">The store keeps versions.</param>
internal readonly record struct KvPath(string Mount, string Relative, bool IsVersion2)
{
    /// <summary>The API path: with <paramref name="part"/> between mount and name when there are versions.</summary>
    public string Api(string part) =>
        !IsVersion2 ? Mount + Relative
        : Relative.Length == 0 ? Mount + part
        : $"{Mount}{part}/{Relative}";

    /// <summary>As <see cref="Api"/>, for a LIST.</summary>
    public string ApiFolder(string part) => Api(part).TrimEnd('/') + "/";

    /// <summary>Already begins with a part of the version 2 API.</summary>
    public static bool IsApiPath(string relative)
    {
        var slash = relative.IndexOf('/', StringComparison.Ordinal);
        return (slash < 0 ? relative : relative[..slash])
            is "data"
                or "metadata"
                or "delete"
                or "undelete"
                or "destroy"
                or "subkeys"
                or "config"
                or "detailed-metadata";
    }

    /// <summary>Takes <c>-mount=secret app</c> or <c>secret/app</c>. Says what went wrong, if so.</summary>
    public static async Task<(KvPath Path, int Code)> ResolveAsync(Invocation call, string? mountFlag, string argument)
    {
        var typed = mountFlag is { Length: > 0 } mount
            ? $"{Paths.Clean(mount)}/{Paths.Clean(argument)}".TrimEnd('/')
            : Paths.Clean(argument);
        var (found, failure) = await FindAsync(call, typed);
        if (found is { } path)
        {
            return (path, Exit.Ok);
        }

        if (failure!.Status == 403)
        {
            call.Print.Error(
                $"preflight capability check returned 403, please ensure client's policies grant access to path \"{typed}/\""
            );
            return (default, Exit.Server);
        }

        return (default, call.Refused($"Error finding the mount of {typed}", failure));
    }

    /// <summary>Asks the server which mount a path belongs to.</summary>
    public static async Task<(KvPath? Path, MayflyResponse? Failure)> FindAsync(Invocation call, string typed)
    {
        var response = await call.SendAsync(
            new MayflyRequest(HttpMethod.Get, "sys/internal/ui/mounts/" + Paths.Clean(typed))
        );
        return response.IsSuccess || response.Status == 404 ? (FromMount(typed, response), null) : (null, response);
    }

    /// <summary>The path by what the server says of the mount that it belongs to.</summary>
    public static KvPath FromMount(string typed, MayflyResponse response)
    {
        // A server that does not know the question has no versions.
        if (!response.IsSuccess)
        {
            return new KvPath("", typed, IsVersion2: false);
        }

        var mount = PlainText.Of(SecretRows.Member(response.Data, "path"));
        var options = SecretRows.Member(response.Data, "options");
        var version = PlainText.Of(SecretRows.Member(options, "version"));
        var type = SecretRows.Member(response.Data, "type");
        var isKv = type.ValueKind == JsonValueKind.Undefined || PlainText.Of(type) is "kv" or "generic";
        var inside =
            typed.StartsWith(mount, StringComparison.Ordinal) ? typed[mount.Length..]
            : typed + "/" == mount ? ""
            : typed;
        return new KvPath(mount, inside, isKv && version == "2");
    }
}
