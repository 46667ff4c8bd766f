using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Auth;

internal sealed class LoginCommand() : Command("login", "Authenticate, and keep the token")
{
    private readonly TextFlag _method = new(
        "method",
        "Type of the auth method: token (the default), userpass, approle, ..."
    )
    {
        Choices = ["token", "userpass", "approle"],
    };

    private readonly TextFlag _path = new("path", "Where the auth method is enabled, when not at its type.");

    private readonly BoolFlag _noStore = new("no-store", "Do not keep the token for later commands.");

    private readonly BoolFlag _noPrint = new("no-print", "Do not show the token; keep it only.");

    private readonly BoolFlag _tokenOnly = new("token-only", "Print the token alone and do not keep it.");

    public override string Usage => "[options] [AUTH K=V...]";

    public override string Details =>
        """
            Authenticates, and keeps the token in ~/.mayfly-token (readable by you only) for later commands. What is
            missing is asked for, without echo. "-" reads the token from standard input.
            $ mayfly login
            $ mayfly login -method=userpass username=bob
            $ mayfly login -method=approle role_id=... secret_id=-
            With -wrap-ttl the token comes wrapped and is unwrapped at once, unless -no-store or -token-only is given.
            """;

    public override IReadOnlyList<Flag> Flags => [_method, _path, _noStore, _noPrint, _tokenOnly];

    public override bool HasField => true;

    public override int Most => int.MaxValue;

    public override async Task<int> RunAsync(Invocation call)
    {
        if (_noStore.Value && _noPrint.Value)
        {
            return call.Wrong("-no-store and -no-print cannot be used together");
        }

        var method = _method.Value is { Length: > 0 } given ? Paths.Clean(given) : "token";
        var (arguments, wrong) = ReadArguments(call, method);
        if (wrong is not null)
        {
            return call.Wrong($"Error parsing configuration: {wrong}");
        }

        var mount = Paths.Clean(_path.Value ?? arguments.Text("mount") ?? method);
        arguments.Remove("mount");
        var exchange = new LoginExchange(call, mount, arguments);
        var (response, problem) = method switch
        {
            "token" => await exchange.TokenAsync(verify: !_tokenOnly.Value),
            "userpass" or "ldap" or "okta" or "radius" => await exchange.PasswordAsync(),
            "approle" => await exchange.AppRoleAsync(),
            _ => await exchange.OtherAsync(),
        };
        if (response is null)
        {
            return call.Wrong(problem!);
        }

        if (!response.IsSuccess)
        {
            var code = call.Refused("Error authenticating", response);
            if (response.Status == 403)
            {
                call.Print.Error(
                    $"\nEither there is nothing to log in to at auth/{mount}/ (\"mayfly auth list\" shows the enabled methods; "
                        + "-path names one that is not at its type), or this login is locked after too many failures."
                );
            }

            return code;
        }

        var keep = !_noStore.Value && !_tokenOnly.Value;
        if (keep && response.WrapInfo.ValueKind == JsonValueKind.Object)
        {
            response = await exchange.UnwrapAsync(response);
            if (!response.IsSuccess)
            {
                return call.Refused("Error extracting token", response);
            }
        }

        return Finish(call, response, keep);
    }

    private static (DataArguments Arguments, string? Wrong) ReadArguments(Invocation call, string method)
    {
        var words = new List<string>(call.Arguments);
        if (method == "token" && words.Count > 0 && !words[0].Contains('=', StringComparison.Ordinal))
        {
            words[0] = "token=" + words[0];
        }

        var arguments = new DataArguments();
        return (arguments, arguments.Add(words, call.Session));
    }

    private int Finish(Invocation call, MayflyResponse response, bool keep)
    {
        if (_tokenOnly.Value)
        {
            var wrapped = response.WrapInfo.ValueKind == JsonValueKind.Object;
            return call.ShowField("token", SecretRows.Field(response, wrapped ? "wrapping_token" : "token"));
        }

        if (keep)
        {
            var token = SecretRows.Field(response, "token");
            if (token.ValueKind != JsonValueKind.String)
            {
                call.Print.Error("The answer holds no token.");
                return Exit.Server;
            }

            try
            {
                TokenFile.Write(call.Session, token.GetString()!);
            }
            catch (IOException failure)
            {
                call.Print.Error(
                    $"Authentication was successful, but the token could not be kept: {failure.Message}\n"
                );
                call.Show(response);
                return Exit.Server;
            }

            if (call.Session.Variable("TOKEN") is not null)
            {
                call.Print.Warn(
                    "WARNING! MAYFLY_TOKEN or VAULT_TOKEN is set, and counts before the token that was just kept.\n"
                );
            }
        }
        else
        {
            call.Print.Warn("The token was not kept. Set MAYFLY_TOKEN to use it.\n");
        }

        if (_noPrint.Value)
        {
            return Exit.Ok;
        }

        if (call.Field is null && keep)
        {
            call.Print.Note(
                "Success! You are now authenticated. The token information displayed below\n"
                    + "is already stored: you do NOT need to run \"mayfly login\" again.\n"
            );
        }

        return call.Show(response);
    }
}
