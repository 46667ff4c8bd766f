using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Operator;

internal sealed class OperatorGenerateRootCommand() : Command("generate-root", "Make a new root token")
{
    private const string Attempt = "sys/generate-root/attempt";

    private readonly BoolFlag _init = new("init", "Start.");
    private readonly BoolFlag _cancel = new("cancel", "Forget it all.");
    private readonly BoolFlag _status = new("status", "Show how far it is.");
    private readonly BoolFlag _generateOtp = new("generate-otp", "Print a one-time password for -init.");
    private readonly TextFlag _decode = new(
        "decode",
        "Print the token of this encoded one; needs -otp. \"-\": standard input."
    );
    private readonly TextFlag _otp = new("otp", "The one-time password, for -init or -decode.");
    private readonly TextFlag _nonce = new("nonce", "The operation's nonce, as -init has printed it.");

    public override string Usage => "[options] [KEY]";

    public override string Details =>
        """
            Makes a new root token when enough holders of unseal keys agree. The first starts it, keeps the one-time
            password and passes the nonce on; then each gives a key, at the prompt, or from standard input with "-".
            The last one gets the token, encoded: only the one-time password opens it.
            $ mayfly operator generate-root -init
            $ mayfly operator generate-root -nonce=...
            $ mayfly operator generate-root -decode=... -otp=...
            """;

    public override IReadOnlyList<Flag> Flags => [_init, _cancel, _status, _generateOtp, _decode, _otp, _nonce];

    public override int Most => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        if (_generateOtp.Value)
        {
            return await GenerateOtpAsync(call);
        }

        if (_decode.Value is { } encoded)
        {
            return Decode(call, encoded);
        }

        if (_cancel.Value)
        {
            return await KeyCeremony.CancelAsync(
                call,
                Attempt,
                _nonce.Value,
                "Success! Root token generation canceled (if it was started)"
            );
        }

        if (_init.Value)
        {
            var started = await call.WriteAsync(
                Attempt,
                writer =>
                {
                    if (_otp.Value is { } otp)
                    {
                        writer.WriteString("otp", otp);
                    }
                }
            );
            return started.IsSuccess
                ? Show(call, started)
                : call.Refused("Error initializing root generation", started);
        }

        if (_status.Value)
        {
            var status = await KeyCeremony.StatusAsync(call, Attempt);
            return status.IsSuccess ? Show(call, status) : call.Refused("Error getting root generation status", status);
        }

        var (response, code) = await KeyCeremony.ProvideAsync(
            call,
            Attempt,
            "sys/generate-root/update",
            _nonce.Value,
            "No root generation is in progress. Start a root generation by running \"mayfly operator generate-root -init\"."
        );
        return response is null ? code : Show(call, response);
    }

    private static async Task<int> GenerateOtpAsync(Invocation call)
    {
        var status = await KeyCeremony.StatusAsync(call, Attempt);
        if (!status.IsSuccess)
        {
            return call.Refused("Error getting root generation status", status);
        }

        var length =
            int.TryParse(KeyCeremony.Text(status.Root, "otp_length"), out var asked) && asked is > 0 and < 1024
                ? asked
                : RootTokenCode.UsualLength;
        var otp = RootTokenCode.NewOtp(length);
        if (call.Print.IsTable)
        {
            call.Print.Raw(otp);
        }
        else
        {
            call.Print.Structured(
                JsonText.Element(writer =>
                {
                    writer.WriteStartObject();
                    writer.WriteString("otp", otp);
                    writer.WriteNumber("otp_length", otp.Length);
                    writer.WriteEndObject();
                })
            );
        }

        return Exit.Ok;
    }

    private int Decode(Invocation call, string encoded)
    {
        if (string.IsNullOrEmpty(_otp.Value))
        {
            return call.Wrong("Missing otp: use -otp to supply it");
        }

        var text = TypedSecret.FromArgument(call.Session, encoded);
        if (RootTokenCode.Decode(text, _otp.Value) is not { } token)
        {
            return call.Wrong(
                "Error decoding root token: the encoded token and the one-time password do not belong together."
            );
        }

        if (call.Print.IsTable)
        {
            call.Print.Raw(token);
        }
        else
        {
            call.Print.Structured(
                JsonText.Element(writer =>
                {
                    writer.WriteStartObject();
                    writer.WriteString("token", token);
                    writer.WriteEndObject();
                })
            );
        }

        return Exit.Ok;
    }

    private static int Show(Invocation call, MayflyResponse status)
    {
        if (!call.Print.IsTable)
        {
            call.Print.Structured(status.Root);
            return Exit.Ok;
        }

        var rows = new List<IReadOnlyList<string>>
        {
            (string[])["Nonce", Text("nonce")],
            (string[])["Started", Text("started")],
            (string[])["Progress", $"{Text("progress")}/{Text("required")}"],
            (string[])["Complete", Text("complete")],
        };
        if (Text("encoded_token") is { Length: > 0 } encoded)
        {
            rows.Add(["Encoded Token", encoded]);
        }
        else if (Text("encoded_root_token") is { Length: > 0 } older)
        {
            rows.Add(["Encoded Root Token", older]);
        }

        if (Text("otp") is { Length: > 0 } otp)
        {
            call.Print.Warn("Keep the one-time password (OTP) below: without it, nobody can read the new token.");
            rows.Add(["OTP", otp]);
        }

        if (Text("otp_length") is not ("" or "0") and var length)
        {
            rows.Add(["OTP Length", length]);
        }

        call.Print.Line(Columns.Plain(rows));
        return Exit.Ok;

        string Text(string name) => KeyCeremony.Text(status.Root, name);
    }
}
