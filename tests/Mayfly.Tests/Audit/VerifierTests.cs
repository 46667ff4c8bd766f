using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Crypto.Audit;

namespace Mayfly.Tests.Audit;

public sealed class VerifierTests : IAsyncLifetime
{
    private AuditHarness _audit = null!;
    private byte[] _publicKey = [];
    private List<string> _lines = [];
    private AuditLink? _head;

    public async ValueTask InitializeAsync()
    {
        _audit = await AuditHarness.StartAsync();
        await _audit.EnableFileAsync();
        for (var i = 0; i < 12; i++)
        {
            Assert.Null(await _audit.ReadAsync());
            if (i % 5 == 4)
            {
                _audit.Time.Advance(TimeSpan.FromSeconds(2));
            }
        }

        _publicKey = _audit.Broker.SigningKey.Key.ExportSubjectPublicKeyInfo();
        await _audit.Broker.DisposeAsync();
        _lines = [.. await File.ReadAllLinesAsync(_audit.LogPath, TestContext.Current.CancellationToken)];
        _head = AuditCheckpoint.TryParse(await File.ReadAllBytesAsync(_audit.LogPath + ".head"))!.Link;
        await _audit.UnsealAsync();
    }

    public ValueTask DisposeAsync() => _audit.DisposeAsync();

    [Fact]
    public async Task An_untouched_log_is_intact()
    {
        var report = await VerifyAsync(_lines);
        Assert.True(report.Intact, string.Join('\n', report.Findings));
        Assert.True(report.KeyPinned);
        Assert.Equal(_lines.Count, report.Lines);
        Assert.Equal(0, report.Unsigned);
        Assert.Equal(_head, report.Last);
        Assert.Empty(report.Findings);
        Assert.True(report.Checkpoints >= 3);
    }

    [Fact]
    public async Task A_changed_entry_is_named()
    {
        var report = await VerifyAsync(Changed(5, line => line.Replace("secret/data/app", "secret/data/apq")));
        var finding = Assert.Single(report.Findings, finding => finding.IsProblem);
        Assert.Equal((6, AuditFindingKind.Changed), (finding.Line, finding.Kind));
    }

    [Fact]
    public async Task A_removed_entry_is_named()
    {
        var report = await VerifyAsync([.. _lines[..7], .. _lines[8..]]);
        var finding = Assert.Single(report.Findings, finding => finding.IsProblem);
        Assert.Equal((8, AuditFindingKind.Removed), (finding.Line, finding.Kind));
    }

    [Fact]
    public async Task Exchanged_entries_are_named()
    {
        var lines = _lines.ToList();
        (lines[6], lines[7]) = (lines[7], lines[6]);
        var report = await VerifyAsync(lines);
        Assert.Contains(report.Findings, finding => finding is { Line: 8, Kind: AuditFindingKind.Reordered });
    }

    [Fact]
    public async Task A_repeated_entry_is_named()
    {
        var report = await VerifyAsync([.. _lines[..7], _lines[6], .. _lines[7..]]);
        var finding = Assert.Single(report.Findings, finding => finding.IsProblem);
        Assert.Equal((8, AuditFindingKind.Duplicated), (finding.Line, finding.Kind));
    }

    [Fact]
    public async Task A_cut_end_is_found_by_the_head()
    {
        var report = await VerifyAsync(_lines[..^1]);
        var finding = Assert.Single(report.Findings, finding => finding.IsProblem);
        Assert.Equal(AuditFindingKind.CutOff, finding.Kind);
    }

    [Fact]
    public async Task A_missing_beginning_is_found()
    {
        var report = await VerifyAsync(_lines[3..]);
        Assert.Contains(report.Findings, finding => finding is { Line: 1, Kind: AuditFindingKind.NoBeginning });
    }

    [Fact]
    public async Task Hashes_that_were_made_to_fit_again_do_not_fit_the_signature()
    {
        var hash = new byte[AuditChain.HashSize];
        var forged = new List<string>();
        foreach (var line in Changed(5, line => line.Replace("secret/data/app", "secret/data/apq")))
        {
            var bytes = Encoding.UTF8.GetBytes(line + "\n");
            Assert.True(AuditLine.TryParse(bytes, out var parsed));
            if (!parsed.IsCheckpoint)
            {
                AuditChain.Seal(bytes, hash, key: null);
            }
            else
            {
                _ = parsed.HashHolds(hash);
            }

            forged.Add(Encoding.UTF8.GetString(bytes).TrimEnd('\n'));
        }

        var report = await VerifyAsync(forged);
        Assert.False(report.Intact);
    }

    [Fact]
    public async Task Another_servers_key_is_found()
    {
        await using var other = await AuditHarness.StartAsync();
        var report = await VerifyAsync(_lines, other.Broker.SigningKey.Key.ExportSubjectPublicKeyInfo());
        Assert.Contains(report.Findings, finding => finding.Kind == AuditFindingKind.OtherKey);
    }

    [Fact]
    public void Any_tampering_is_found()
    {
        var tampering =
            from kind in Gen.Choose(0, 5)
            from line in Gen.Choose(0, _lines.Count - 1)
            from other in Gen.Choose(0, _lines.Count - 1)
            from at in Gen.Choose(0, 10_000)
            from bit in Gen.Choose(0, 6)
            select (kind, line, other, at, bit);
        Prop.ForAll(
                Arb.From(tampering),
                t =>
                {
                    var text = Tampered(t.kind, t.line, t.other, t.at, t.bit);
                    var original = Join(_lines);
                    var report = VerifyAsync(text, _publicKey).AsTask().GetAwaiter().GetResult();
                    return text.AsSpan().SequenceCompareTo(original) == 0 || !report.Intact;
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(200));
    }

    private byte[] Tampered(int kind, int line, int other, int at, int bit)
    {
        var lines = _lines.ToList();
        switch (kind)
        {
            case 0:
                var bytes = Join(_lines);
                bytes[(line * 131 + at) % bytes.Length] ^= (byte)(1 << bit);
                return bytes;
            case 1:
                lines.RemoveAt(line);
                break;
            case 2:
                (lines[line], lines[other]) = (lines[other], lines[line]);
                break;
            case 3:
                lines.Insert(other, lines[line]);
                break;
            case 4:
                return Join(_lines)[..^(1 + (at % 4_000))];
            default:
                lines.RemoveRange(Math.Min(line, other), Math.Abs(line - other));
                break;
        }

        return Join(lines);
    }

    private List<string> Changed(int index, Func<string, string> change)
    {
        var lines = _lines.ToList();
        lines[index] = change(lines[index]);
        return lines;
    }

    private static byte[] Join(IEnumerable<string> lines) =>
        Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")));

    private ValueTask<AuditReport> VerifyAsync(List<string> lines, byte[]? key = null) =>
        VerifyAsync(Join(lines), key ?? _publicKey);

    private ValueTask<AuditReport> VerifyAsync(byte[] log, byte[] key) =>
        AuditVerifier.VerifyAsync(
            new MemoryStream(log),
            new AuditVerifyOptions { PublicKey = key, Head = _head },
            TestContext.Current.CancellationToken
        );
}
