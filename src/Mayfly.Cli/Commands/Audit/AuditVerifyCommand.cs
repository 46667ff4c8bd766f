using System.Security.Cryptography;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;
using Mayfly.Crypto.Audit;

namespace Mayfly.Cli.Commands.Audit;

internal sealed class AuditVerifyCommand() : Command("verify", "Prove that audit files are whole and unchanged")
{
    private readonly TextFlag _publicKey = new(
        "public-key",
        "File with the server's public key (PEM), known from elsewhere. Without it, the key that the log names is trusted."
    );

    private readonly TextFlag _head = new(
        "head",
        "File with a checkpoint that was kept elsewhere (mayfly read -field=checkpoint sys/audit-head/NAME): the log must hold it."
    );

    public override string Usage => "[options] FILE...";

    public override string Details =>
        """
            Checks files of an audit device without any server: finds entries that were changed, removed, re-ordered,
            added or cut off. FILE.head, which the server keeps beside the file, shows that the end is there. Several
            files are taken as one log, oldest first. Exit code: 0 intact, 1 a file cannot be read, 2 not intact.
            $ mayfly audit verify -public-key=audit.pem -head=head.json audit.log.1 audit.log
            """;

    public override IReadOnlyList<Flag> Flags => [_publicKey, _head];

    public override bool UsesServer => false;

    public override int Fewest => 1;

    public override int Most => int.MaxValue;

    public override async Task<int> RunAsync(Invocation call)
    {
        var (key, wrong) = ReadKey();
        if (wrong is not null)
        {
            return call.Wrong(wrong);
        }

        AuditLink? head = null;
        if (_head.Value is { } kept)
        {
            head = AuditCheckpoint.TryParse(await File.ReadAllBytesAsync(kept, call.Cancellation))?.Link;
            if (head is null)
            {
                return call.Wrong($"{kept} is no checkpoint of an audit log");
            }
        }

        var reports = await VerifyAsync(call, key, head);

        if (call.Print.IsTable)
        {
            reports.ForEach(each => Show(call.Print, each.File, each.Report));
        }
        else
        {
            call.Print.Structured(AuditReportJson.Of(reports));
        }

        return reports.TrueForAll(static each => each.Report.Intact) ? Exit.Ok : Exit.Server;
    }

    private static async Task<List<(string File, AuditReport Report)>> VerifyAsync(
        Invocation call,
        ReadOnlyMemory<byte>? key,
        AuditLink? head
    )
    {
        var reports = new List<(string File, AuditReport Report)>();
        AuditLink? previous = null;
        foreach (var file in call.Arguments)
        {
            var options = new AuditVerifyOptions { PublicKey = key, Previous = previous };
            var report = await AuditVerifier.VerifyFileAsync(file, options, call.Cancellation);
            var isHere = head?.Sequence > (previous?.Sequence ?? 0) && head.Sequence <= report.Last?.Sequence;
            if (isHere || (head?.Sequence > (report.Last?.Sequence ?? 0) && reports.Count == call.Arguments.Count - 1))
            {
                // Once more, against the head that was kept; a shortcoming that the first pass found counts too.
                var again = await AuditVerifier.VerifyFileAsync(file, options with { Head = head }, call.Cancellation);
                report = report.Intact || !again.Intact ? again : report;
            }

            reports.Add((file, report));
            previous = report.Last;
        }

        return reports;
    }

    private static void Show(Printer print, string file, AuditReport report)
    {
        var rows = new List<IReadOnlyList<string>>
        {
            (string[])["File", file],
            (string[])["Intact", report.Intact ? "true" : "false"],
            (string[])["Lines", report.Lines.ToString()],
            (string[])["Entries", report.Entries.ToString()],
            (string[])["Checkpoints", report.Checkpoints.ToString()],
            (string[])["Unsigned lines", report.Unsigned.ToString()],
            (string[])["Key", $"{report.KeyId ?? "none"} ({(report.KeyPinned ? "as given" : "named by the log")})"],
        };
        print.Rows(rows);
        foreach (var finding in report.Findings)
        {
            var place = finding.Line > 0 ? $"{file}:{finding.Line}" : file;
            var text = $"{place}: {finding.Message}";
            if (finding.IsProblem)
            {
                print.Error(text);
            }
            else
            {
                print.Warn(text);
            }
        }

        if (report.FurtherFindings > 0)
        {
            print.Error($"{file}: and {report.FurtherFindings} more");
        }

        print.Line(report.Intact ? "Success! The log is intact.\n" : "The log is NOT what the server wrote.\n");
    }

    private (ReadOnlyMemory<byte>? Key, string? Wrong) ReadKey()
    {
        if (_publicKey.Value is not { } file)
        {
            return (null, null);
        }

        var text = File.ReadAllText(file);
        if (
            PemEncoding.TryFind(text, out var fields)
            && text.AsSpan()[fields.Label] is "PUBLIC KEY"
            && Decode(text[fields.Base64Data]) is { } pem
        )
        {
            return (pem, null);
        }

        return Decode(text.Trim()) is { } plain ? (plain, null) : (null, $"{file} is no public key in PEM or base64");
    }

    private static byte[]? Decode(string base64)
    {
        var bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out var length) && length > 0 ? bytes[..length] : null;
    }
}
