using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Operator;

/// <summary>The part that rekey and generate-root share: one key holder after the other gives a key for one nonce.</summary>
internal static class KeyCeremony
{
    /// <summary>Asks how far it is.</summary>
    public static Task<MayflyResponse> StatusAsync(Invocation call, string api) =>
        call.SendAsync(new MayflyRequest(HttpMethod.Get, api));

    /// <summary>Gives one key. Without an argument it is asked for, and the nonce is shown to be compared.</summary>
    public static async Task<(MayflyResponse? Response, int Code)> ProvideAsync(
        Invocation call,
        string statusApi,
        string updateApi,
        string? nonceFlag,
        string notStarted
    )
    {
        var status = await StatusAsync(call, statusApi);
        if (!status.IsSuccess)
        {
            return (null, call.Refused("Error getting status", status));
        }

        if (SecretRows.Member(status.Root, "started").ValueKind != JsonValueKind.True)
        {
            return (null, call.Wrong(notStarted));
        }

        var nonce = nonceFlag;
        string? key;
        if (call.Arguments.Count > 0)
        {
            key = TypedSecret.FromArgument(call.Session, call.Arguments[0]);
        }
        else
        {
            nonce ??= PlainText.Of(SecretRows.Member(status.Root, "nonce"));
            key = TypedSecret.FromPrompt(call.Session, $"Operation nonce: {nonce}\nUnseal Key (will be hidden): ");
        }

        if (string.IsNullOrEmpty(key))
        {
            return (null, call.Wrong(TypedSecret.NothingTyped(call.Session, "unseal key")));
        }

        if (string.IsNullOrEmpty(nonce))
        {
            return (null, call.Wrong("Missing nonce value: specify it via the -nonce flag"));
        }

        var response = await call.WriteAsync(
            updateApi,
            writer =>
            {
                writer.WriteString("key", key);
                writer.WriteString("nonce", nonce);
            }
        );
        return response.IsSuccess ? (response, Exit.Ok) : (null, call.Refused("Error posting unseal key", response));
    }

    /// <summary>Ends it. The nonce proves that the caller takes part, where the server asks for that.</summary>
    public static async Task<int> CancelAsync(Invocation call, string api, string? nonce, string success)
    {
        var response = await call.SendAsync(
            new MayflyRequest(HttpMethod.Delete, api)
            {
                Body = nonce is null
                    ? null
                    : JsonText.Bytes(writer =>
                    {
                        writer.WriteStartObject();
                        writer.WriteString("nonce", nonce);
                        writer.WriteEndObject();
                    }),
            }
        );
        return call.Done(success, "Error canceling", response);
    }

    /// <summary>A value of the answer, or empty.</summary>
    public static string Text(JsonElement answer, string name) =>
        SecretRows.Member(answer, name) is { ValueKind: not (JsonValueKind.Undefined or JsonValueKind.Null) } found
            ? PlainText.Of(found)
            : "";
}
