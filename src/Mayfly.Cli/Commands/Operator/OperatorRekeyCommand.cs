using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Operator;

internal sealed class OperatorRekeyCommand() : Command("rekey", "Make new unseal keys")
{
    private readonly BoolFlag _init = new("init", "Start.");
    private readonly BoolFlag _cancel = new("cancel", "Forget it all.");
    private readonly BoolFlag _status = new("status", "Show how far it is.");
    private readonly BoolFlag _verify = new(
        "verify",
        "With -init: the new keys must be given back before they count. Else: give one back."
    );

    private readonly NumberFlag _shares = new("key-shares", "How many new keys. Default 5.") { Alias = "n" };
    private readonly NumberFlag _threshold = new("key-threshold", "How many of them unseal. Default 3.")
    {
        Alias = "t",
    };
    private readonly TextFlag _nonce = new("nonce", "The operation's nonce, as -init has printed it.");

    private readonly TextFlag _target = new("target", "barrier (the default) or recovery.")
    {
        Choices = ["barrier", "recovery"],
    };

    public override string Usage => "[options] [KEY]";

    public override string Details =>
        """
            Makes new unseal keys, in other numbers if wanted, when enough holders of the old ones agree. The first
            starts it and passes the nonce on; then each gives a key, at the prompt, or from standard input with "-".
            $ mayfly operator rekey -init -key-shares=5 -key-threshold=3
            $ mayfly operator rekey -nonce=...
            """;

    public override IReadOnlyList<Flag> Flags =>
        [_init, _cancel, _status, _verify, _shares, _threshold, _nonce, _target];

    public override int Most => 1;

    private string Api => _target.Value is "recovery" or "hsm" ? "sys/rekey-recovery-key" : "sys/rekey";

    public override async Task<int> RunAsync(Invocation call)
    {
        var step = _verify.Value && !_init.Value ? "/verify" : "/init";
        if (_cancel.Value)
        {
            return await KeyCeremony.CancelAsync(
                call,
                Api + step,
                _nonce.Value,
                "Success! Canceled rekeying (if it was started)"
            );
        }

        if (_init.Value)
        {
            return await InitAsync(call);
        }

        if (_status.Value)
        {
            var status = await KeyCeremony.StatusAsync(call, Api + step);
            return status.IsSuccess ? ShowStatus(call, status) : call.Refused("Error reading rekey status", status);
        }

        var (response, code) = await KeyCeremony.ProvideAsync(
            call,
            Api + step,
            _verify.Value ? Api + "/verify" : Api + "/update",
            _nonce.Value,
            "No rekey is in progress. Start a rekey process with: mayfly operator rekey -init"
        );
        return response is null ? code : ShowProgress(call, response);
    }

    private async Task<int> InitAsync(Invocation call)
    {
        var response = await call.WriteAsync(
            Api + "/init",
            writer =>
            {
                var shares = _shares.Value ?? 5;
                writer.WriteNumber("secret_shares", shares);
                writer.WriteNumber("secret_threshold", _threshold.Value ?? Math.Min(3, shares));
                writer.WriteBoolean("require_verification", _verify.Value);
            }
        );
        if (!response.IsSuccess)
        {
            return call.Refused("Error initializing rekey", response);
        }

        // Older servers answer nothing here.
        if (response.Root.ValueKind != JsonValueKind.Object)
        {
            response = await KeyCeremony.StatusAsync(call, Api + "/init");
        }

        return ShowStatus(call, response);
    }

    private static int ShowStatus(Invocation call, MayflyResponse status)
    {
        if (!call.Print.IsTable)
        {
            call.Print.Structured(status.Root);
            return Exit.Ok;
        }

        var rows = new List<IReadOnlyList<string>>
        {
            (string[])["Nonce", Text(status, "nonce")],
            (string[])["Started", Text(status, "started")],
        };
        if (Text(status, "started") == "true")
        {
            if (Text(status, "required").Length > 0)
            {
                rows.Add(["Rekey Progress", $"{Text(status, "progress")}/{Text(status, "required")}"]);
            }
            else
            {
                rows.Add(["Verification Progress", $"{Text(status, "progress")}/{Text(status, "t")}"]);
            }

            rows.Add(["New Shares", Text(status, "n")]);
            rows.Add(["New Threshold", Text(status, "t")]);
            rows.Add(["Verification Required", Text(status, "verification_required")]);
        }

        call.Print.Rows(rows);
        return Exit.Ok;
    }

    private int ShowProgress(Invocation call, MayflyResponse response)
    {
        if (!call.Print.IsTable)
        {
            call.Print.Structured(response.Root);
            return Exit.Ok;
        }

        if (Text(response, "complete") != "true")
        {
            return ShowStatus(call, response);
        }

        if (_verify.Value)
        {
            call.Print.Line("Success! Rekey verification is finished: the new keys count from now on.");
            return Exit.Ok;
        }

        var number = 0;
        if (SecretRows.Member(response.Root, "keys_base64") is { ValueKind: JsonValueKind.Array } keys)
        {
            foreach (var key in keys.EnumerateArray())
            {
                call.Print.Line($"Key {++number}: {PlainText.Of(key)}");
            }
        }

        call.Print.Line($"\nOperation nonce: {Text(response, "nonce")}");
        call.Print.Line(
            Text(response, "verification_required") == "true"
                ? $"\nThe old keys count until the new ones are given back:\n"
                    + $"  mayfly operator rekey -verify -nonce={Text(response, "verification_nonce")}"
                : "\nThe keys above replace the old ones. Give each to another person: they are stored nowhere."
        );
        return Exit.Ok;
    }

    private static string Text(MayflyResponse response, string name) => KeyCeremony.Text(response.Root, name);
}
