using System.Globalization;
using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Output;

namespace Mayfly.Cli.Commands.Operator;

internal sealed class OperatorKeyStatusCommand() : Command("key-status", "Show the encryption key in use")
{
    public override string Usage => "[options]";

    public override string Details =>
        """
            Shows which key is in use, since when, and how much it has encrypted.
            $ mayfly operator key-status
            """;

    public override Task<int> RunAsync(Invocation call) => ShowAsync(call);

    public static async Task<int> ShowAsync(Invocation call)
    {
        var response = await call.ReadAsync("sys/key-status");
        if (!response.IsSuccess)
        {
            return call.Refused("Error reading key status", response);
        }

        var data = response.Data.ValueKind == JsonValueKind.Object ? response.Data : response.Root;
        if (!call.Print.IsTable)
        {
            call.Print.Structured(data);
            return Exit.Ok;
        }

        call.Print.Line(
            Columns.Plain([
                ["Key Term", PlainText.Of(SecretRows.Member(data, "term"))],
                ["Install Time", Time(PlainText.Of(SecretRows.Member(data, "install_time")))],
                ["Encryption Count", PlainText.Of(SecretRows.Member(data, "encryptions"))],
            ])
        );
        return Exit.Ok;
    }

    private static string Time(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out var time)
            ? time.UtcDateTime.ToString("dd MMM yy HH:mm 'UTC'", CultureInfo.InvariantCulture)
            : text;
}
