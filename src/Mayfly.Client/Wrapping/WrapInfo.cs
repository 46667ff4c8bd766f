using System.Text.Json;
using Mayfly.Client.Transport;

namespace Mayfly.Client.Wrapping;

/// <summary>An answer that waits behind a single-use token. Immutable.</summary>
/// <param name="Token">The token that unwraps it, once.</param>
/// <param name="Accessor">Names the token without being it.</param>
/// <param name="Ttl">How long it waits.</param>
/// <param name="CreationTime">When it was wrapped.</param>
/// <param name="CreationPath">The path whose answer it is. Another one than expected means that somebody has replaced it.</param>
public sealed record WrapInfo(
    SecretString Token,
    string Accessor,
    TimeSpan Ttl,
    DateTimeOffset? CreationTime,
    string CreationPath
)
{
    internal static WrapInfo? Read(JsonElement info) =>
        info.Text("token") is { Length: > 0 } token
            ? new WrapInfo(
                new SecretString(token),
                info.Text("accessor") ?? "",
                info.Seconds("ttl"),
                info.Instant("creation_time"),
                info.Text("creation_path") ?? ""
            )
            : null;
}
