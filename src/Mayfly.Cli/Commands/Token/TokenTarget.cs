using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Token;

/// <summary>Requests on another token, by itself or by its accessor.</summary>
internal static class TokenTarget
{
    public static Task<MayflyResponse> WriteAsync(
        Invocation call,
        string verb,
        string argument,
        bool isAccessor,
        Action<Utf8JsonWriter>? more = null
    ) =>
        call.WriteAsync(
            $"auth/token/{verb}{(isAccessor ? "-accessor" : "")}",
            writer =>
            {
                writer.WriteString(isAccessor ? "accessor" : "token", TypedSecret.FromArgument(call.Session, argument));
                more?.Invoke(writer);
            }
        );
}
