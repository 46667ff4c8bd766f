using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Auth;

/// <summary>What each auth method sends and gets. Asks for the secret part when it is missing.</summary>
internal sealed class LoginExchange(Invocation call, string mount, DataArguments arguments)
{
    /// <summary>Checks a token that already exists, and shows it as if it came from a login.</summary>
    public async Task<(MayflyResponse? Response, string? Problem)> TokenAsync(bool verify)
    {
        var token = arguments.Text("token")?.Trim();
        token = string.IsNullOrEmpty(token) ? TypedSecret.FromPrompt(call.Session, "Token (will be hidden): ") : token;
        if (token is null)
        {
            return (null, TypedSecret.NothingTyped(call.Session, "token"));
        }

        if (token.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return (null, "The token holds characters that no token has; was more than the token copied?");
        }

        if (!verify)
        {
            return (Compose(token, data: default, status: 200), null);
        }

        var lookup = await call.SendAsync(
            new MayflyRequest(HttpMethod.Get, "auth/token/lookup-self") { Token = token }
        );
        return (lookup.IsSuccess ? Compose(token, lookup.Data, lookup.Status) : lookup, null);
    }

    public async Task<(MayflyResponse? Response, string? Problem)> PasswordAsync()
    {
        var username = arguments.Text("username") ?? call.Session.Environment("USER");
        if (string.IsNullOrEmpty(username))
        {
            return (null, "'username' must be supplied: username=NAME");
        }

        if (arguments.Text("password") is null)
        {
            var typed = TypedSecret.FromPrompt(call.Session, "Password (will be hidden): ");
            if (typed is null)
            {
                return (null, TypedSecret.NothingTyped(call.Session, "password"));
            }

            arguments.SetText("password", typed);
        }

        arguments.Remove("username");
        return (await PostAsync($"auth/{mount}/login/{username}"), null);
    }

    public async Task<(MayflyResponse? Response, string? Problem)> AppRoleAsync()
    {
        if (arguments.Text("role_id") is null)
        {
            return (null, "'role_id' must be supplied: role_id=ID");
        }

        // A role may need no secret-id, so an empty answer is one.
        if (
            arguments.Text("secret_id") is null
            && TypedSecret.FromPrompt(call.Session, "Secret ID (will be hidden; empty for none): ") is { } typed
        )
        {
            arguments.SetText("secret_id", typed);
        }

        if (arguments.Text("secret_id") is { } secretId)
        {
            // From a file or a pipe it comes with a line break.
            arguments.SetText("secret_id", secretId.Trim());
        }

        return (await PostAsync($"auth/{mount}/login"), null);
    }

    public async Task<(MayflyResponse? Response, string? Problem)> OtherAsync() =>
        (await PostAsync($"auth/{mount}/login"), null);

    public Task<MayflyResponse> UnwrapAsync(MayflyResponse wrapped) =>
        call.SendAsync(
            new MayflyRequest(HttpMethod.Put, "sys/wrapping/unwrap")
            {
                Token = PlainText.Of(SecretRows.Field(wrapped, "wrapping_token")),
                Body = "{}"u8.ToArray(),
            }
        );

    // Without the token of an earlier login: if that one has expired, it must not spoil this one.
    private Task<MayflyResponse> PostAsync(string path) =>
        call.SendAsync(
            new MayflyRequest(HttpMethod.Put, path)
            {
                Token = "",
                Body = arguments.ToJson(),
                WrapTtl = call.WrapTtl,
            }
        );

    private static MayflyResponse Compose(string token, JsonElement data, int status)
    {
        var auth = JsonText.Bytes(writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartObject("auth");
            writer.WriteString("client_token", token);
            Copy("accessor", "accessor");
            Copy("ttl", "lease_duration");
            Copy("renewable", "renewable");
            Copy("policies", "token_policies");
            Copy("identity_policies", "identity_policies");
            Copy("policies", "policies");
            Copy("meta", "metadata");
            writer.WriteEndObject();
            writer.WriteEndObject();

            void Copy(string from, string to)
            {
                if (SecretRows.Member(data, from) is { ValueKind: not JsonValueKind.Undefined } value)
                {
                    writer.WritePropertyName(to);
                    value.WriteTo(writer);
                }
            }
        });
        return MayflyResponse.Compose(status, auth);
    }
}
