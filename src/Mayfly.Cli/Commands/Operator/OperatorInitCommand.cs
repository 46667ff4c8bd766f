using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;

namespace Mayfly.Cli.Commands.Operator;

internal sealed class OperatorInitCommand() : Command("init", "Initialise the server")
{
    private readonly NumberFlag _shares = new(
        "key-shares",
        "Into how many unseal keys the root key is split. Default 5."
    )
    {
        Alias = "n",
    };

    private readonly NumberFlag _threshold = new("key-threshold", "How many of them unseal the server. Default 3.")
    {
        Alias = "t",
    };

    private readonly NumberFlag _recoveryShares = new(
        "recovery-shares",
        "As -key-shares, for a server that unseals itself."
    );

    private readonly NumberFlag _recoveryThreshold = new(
        "recovery-threshold",
        "As -key-threshold, for a server that unseals itself."
    );

    private readonly ListFlag _pgpKeys = new(
        "pgp-keys",
        "Not supported: it fails rather than print keys in clear.",
        true
    )
    {
        Hidden = true,
    };

    private readonly BoolFlag _status = new("status", "Only ask: exit code 0 initialised, 2 not, 1 an error.");

    public override string Usage => "[options]";

    public override string Details =>
        """
            Initialises a new server: makes its root key, splits it into unseal keys, and prints them with the first
            root token. They are shown this once and stored nowhere. Give each key to another person.
            $ mayfly operator init -key-shares=3 -key-threshold=2
            """;

    public override IReadOnlyList<Flag> Flags =>
        [_shares, _threshold, _recoveryShares, _recoveryThreshold, _pgpKeys, _status];

    public override async Task<int> RunAsync(Invocation call)
    {
        if (_pgpKeys.IsSet)
        {
            return call.Wrong("-pgp-keys is not supported yet");
        }

        return _status.Value ? await StatusAsync(call) : await InitAsync(call);
    }

    private static async Task<int> StatusAsync(Invocation call)
    {
        var response = await call.ReadAsync("sys/init");
        if (!response.IsSuccess)
        {
            call.Refused("Error checking initialization status", response);
            return Exit.Local;
        }

        var initialized = SecretRows.Member(response.Root, "initialized").ValueKind == JsonValueKind.True;
        if (call.Print.IsTable)
        {
            call.Print.Line(initialized ? "Vault is initialized" : "Vault is not initialized");
        }
        else
        {
            call.Print.Structured(response.Root);
        }

        return initialized ? Exit.Ok : Exit.Server;
    }

    private async Task<int> InitAsync(Invocation call)
    {
        // The server knows which seal it has, and takes only the pair that belongs to it; without a flag, its default.
        var recovery = _recoveryShares.IsSet || _recoveryThreshold.IsSet;
        var shares = _shares.Value ?? (recovery ? null : 5);
        var threshold = _threshold.Value ?? (recovery ? null : Math.Min(3, shares ?? 3));
        var response = await call.WriteAsync(
            "sys/init",
            writer =>
            {
                Number(writer, "secret_shares", shares);
                Number(writer, "secret_threshold", threshold);
                Number(writer, "recovery_shares", _recoveryShares.Value);
                Number(writer, "recovery_threshold", _recoveryThreshold.Value);
            }
        );
        if (!response.IsSuccess)
        {
            return call.Refused("Error initializing", response);
        }

        call.Print.Warnings(response);
        if (call.Print.IsTable)
        {
            InitText.Write(call.Print, response.Root, shares ?? 0, threshold ?? 0);
        }
        else
        {
            call.Print.Structured(
                JsonText.Element(writer => InitText.WriteJson(writer, response.Root, shares ?? 0, threshold ?? 0))
            );
        }

        return Exit.Ok;
    }

    private static void Number(Utf8JsonWriter writer, string name, int? value)
    {
        if (value is { } number)
        {
            writer.WriteNumber(name, number);
        }
    }
}
