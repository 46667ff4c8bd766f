using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Mayfly.Cli.Dispatch;
using Mayfly.Client;
using Mayfly.Client.Known;
using Mayfly.Crypto.Oprf;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Known;

namespace Mayfly.Cli.Commands.Scan;

/// <summary>
/// The scanner's side of the comparison with a server's secrets (docs/decisions/0210): a filter before the scan, questions
/// about the few words that pass it afterwards. One scan, one instance.
/// </summary>
internal sealed class KnownCheck
{
    private const int ValueSize = 16;

    /// <summary>How long the server may take to prepare its secrets.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly KnownPaths _server;
    private readonly KnownSession _session;
    private readonly HashSet<UInt128> _values = [];

    private KnownCheck(KnownPaths server, KnownSession session, bool allowComments)
    {
        _server = server;
        _session = session;
        Suspects = new Suspects(new KnownFilter(session).MayHave, allowComments);
        for (var at = 0; at < session.Values.Length; at += ValueSize)
        {
            _values.Add(BinaryPrimitives.ReadUInt128BigEndian(session.Values.Span[at..]));
        }
    }

    /// <summary>Collects during the scan.</summary>
    public Suspects Suspects { get; }

    /// <summary>Begins. Exactly one of the two results is null.</summary>
    public static async Task<(KnownCheck? Check, string? Problem)> BeginAsync(
        Invocation call,
        string prefix,
        bool allowComments
    )
    {
        if (!ObliviousPrf.IsSupported)
        {
            return (null, "-known needs OpenSSL 3 (libcrypto.so.3), which is not here");
        }

        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                var session = await call.Client.Known.BeginAsync(prefix, call.Cancellation);
                foreach (var warning in session.Warnings)
                {
                    call.Print.Warn(warning);
                }

                return session.Suite == ObliviousPrf.Suite
                    ? (new KnownCheck(call.Client.Known, session, allowComments), null)
                    : (null, "the server compares secrets in a way that this version of mayfly does not know");
            }
            catch (MayflyApiException busy)
                when (busy.Status == 503
                    && busy.Message.Contains("being prepared", StringComparison.Ordinal)
                    && TimeProvider.System.GetElapsedTime(started) < Patience
                )
            {
                await Task.Delay(TimeSpan.FromSeconds(2), call.Cancellation);
            }
            catch (Exception failure)
                when (failure is MayflyApiException or MayflyConnectionException or FormatException)
            {
                return (null, Explain(failure));
            }
        }
    }

    /// <summary>What of the suspects is a secret of the server. Findings are in no promised order.</summary>
    public async Task<(IReadOnlyList<KnownFinding>? Findings, string? Problem)> ConfirmAsync(
        CancellationToken cancellation
    )
    {
        try
        {
            var findings = new List<KnownFinding>();
            foreach (var batch in Suspects.All.Chunk(_session.BatchSize))
            {
                await ConfirmAsync(batch, findings, cancellation);
            }

            return (findings, null);
        }
        catch (Exception failure) when (failure is MayflyApiException or MayflyConnectionException or FormatException)
        {
            return (null, Explain(failure));
        }
    }

    /// <summary>The certain ones first, and of the others those that are not the same text at the same place.</summary>
    public static IReadOnlyList<Finding> Merge(IReadOnlyList<Finding> found, IReadOnlyList<KnownFinding> certain)
    {
        var byFile = certain.ToLookup(each => (each.Finding.File, each.Finding.Commit?.Hash));
        return
        [
            .. certain
                .Select(each => each.Finding)
                .OrderBy(each => each.File, StringComparer.Ordinal)
                .ThenBy(each => each.StartLine)
                .ThenBy(each => each.StartColumn),
            .. found.Where(each => !byFile[(each.File, each.Commit?.Hash)].Any(known => known.Is(each))),
        ];
    }

    private async Task ConfirmAsync(
        (byte[] Text, List<Finding> Places)[] batch,
        List<KnownFinding> findings,
        CancellationToken cancellation
    )
    {
        var blinds = new byte[batch.Length * ObliviousPrf.ScalarSize];
        var elements = new byte[batch.Length * ObliviousPrf.ElementSize];
        Parallel.For(
            0,
            batch.Length,
            i =>
                ObliviousPrf.Blind(
                    batch[i].Text,
                    blinds.AsSpan(i * ObliviousPrf.ScalarSize, ObliviousPrf.ScalarSize),
                    elements.AsSpan(i * ObliviousPrf.ElementSize, ObliviousPrf.ElementSize)
                )
        );
        var evaluated = await _server.EvaluateAsync(elements, cancellation);
        var values = new UInt128[batch.Length];
        var wrong = false;
        Parallel.For(
            0,
            batch.Length,
            i =>
            {
                Span<byte> output = stackalloc byte[ObliviousPrf.OutputSize];
                if (
                    !ObliviousPrf.TryFinalize(
                        batch[i].Text,
                        blinds.AsSpan(i * ObliviousPrf.ScalarSize, ObliviousPrf.ScalarSize),
                        evaluated.Span.Slice(i * ObliviousPrf.ElementSize, ObliviousPrf.ElementSize),
                        output
                    )
                )
                {
                    wrong = true;
                }

                values[i] = BinaryPrimitives.ReadUInt128BigEndian(output);
            }
        );
        CryptographicOperations.ZeroMemory(blinds);
        if (wrong)
        {
            throw new FormatException("The server's answer is none to a comparison of secrets.");
        }

        var found = Enumerable.Range(0, batch.Length).Where(i => _values.Contains(values[i])).ToList();
        if (found.Count == 0)
        {
            return;
        }

        var names = await NamesAsync([.. found.Select(i => values[i])], cancellation);
        foreach (var i in found)
        {
            var description = Describe([.. names[values[i]]]);
            var text = Encoding.UTF8.GetString(batch[i].Text);
            findings.AddRange(
                batch[i].Places.Select(place => new KnownFinding(place with { Description = description }, text))
            );
        }
    }

    private async Task<ILookup<UInt128, KnownSecret>> NamesAsync(UInt128[] values, CancellationToken cancellation)
    {
        var bytes = new byte[values.Length * ValueSize];
        for (var i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteUInt128BigEndian(bytes.AsSpan(i * ValueSize), values[i]);
        }

        var secrets = await _server.LookUpAsync(bytes, cancellation);
        return secrets
            .Where(secret => secret.Value.Length == ValueSize)
            .ToLookup(secret => BinaryPrimitives.ReadUInt128BigEndian(secret.Value.Span));
    }

    private static string Describe(KnownSecret[] secrets)
    {
        var named = secrets.Where(secret => secret.Path is not null).Select(Name).Distinct().ToList();
        return named.Count == 0
            ? "A secret of the server, whose name the token may not see"
            : "A secret of the server: " + string.Join("; ", named);

        static string Name(KnownSecret secret) =>
            secret.Path
            + (
                secret.Version is not { Length: > 0 } version ? ""
                : version.All(char.IsAsciiDigit) ? $" version {version}{(secret.IsCurrent ? "" : " (an old one)")}"
                : $" ({version})"
            );
    }

    private static string Explain(Exception failure) =>
        "-known: " + (failure is MayflyConnectionException ? ConnectionHint.Explain(failure.Message) : failure.Message);
}
