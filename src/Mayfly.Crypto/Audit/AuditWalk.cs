using System.Security.Cryptography;
using System.Text;

namespace Mayfly.Crypto.Audit;

/// <summary>The state of one verification: where the chain stands, and what has been found.</summary>
internal sealed class AuditWalk(AuditVerifyOptions options) : IDisposable
{
    /// <summary>The server signs at least after so many lines, so a longer stretch is not its work.</summary>
    private const long LongestUnsigned = 8_192;

    private const int RememberedCheckpoints = 64;
    private static readonly string Zeros = new('0', AuditChain.HashDigits);

    private readonly List<AuditFinding> _findings = [];
    private readonly Queue<AuditLink> _recent = new();
    private readonly byte[] _hash = new byte[AuditChain.HashSize];
    private ECDsa? _key = options.PublicKey is { } known ? Import(known.Span) : null;
    private string? _keyId = options.PublicKey is { } known ? AuditChain.KeyId(known.Span) : null;
    private (long Line, int Bytes, string Hash)? _loose;
    private AuditLink? _continues;
    private AuditLink? _last;
    private string _lastKind = "";
    private long _line;
    private long _entries;
    private long _checkpoints;
    private long _unsigned;
    private long _further;
    private bool _problem;
    private bool _headSeen;

    public void Dispose() => _key?.Dispose();

    /// <summary>Takes the next line, with its line feed.</summary>
    public void Line(ReadOnlySpan<byte> line)
    {
        _line++;
        if (!AuditLine.TryParse(line, out var parsed))
        {
            Loose();
            _loose = (_line, line.Length - 1, Convert.ToHexStringLower(SHA256.HashData(line[..^1])));
            return;
        }

        var holds = parsed.HashHolds(_hash);
        var link = new AuditLink(parsed.Sequence, Encoding.ASCII.GetString(parsed.HashHex));
        var previous = Encoding.ASCII.GetString(parsed.PreviousHex);
        var checkpoint = parsed.IsCheckpoint ? AuditCheckpoint.TryParse(line) : null;
        if (checkpoint is { TornBytes: > 0 } && _loose == (_line - 1, checkpoint.TornBytes, checkpoint.TornHash))
        {
            Remark(_line - 1, AuditFindingKind.Torn, "part of a line that a crash left; the server closed it off");
            _loose = null;
        }

        var afterLoose = _loose is not null;
        Loose();
        if (!holds)
        {
            Problem(AuditFindingKind.Changed, $"entry {link.Sequence} was changed: its hash does not hold");
        }

        Place(link, previous, checkpoint, afterLoose);
        if (checkpoint is not null)
        {
            _checkpoints++;
            Signed(parsed, checkpoint, holds);
        }
        else
        {
            _entries++;
            _unsigned++;
            if (_unsigned == LongestUnsigned + 1)
            {
                Problem(AuditFindingKind.Unsigned, $"more than {LongestUnsigned} lines without a checkpoint");
            }
        }

        if (options.Head is { } head && head.Sequence == link.Sequence)
        {
            _headSeen = true;
            if (head.Hash != link.Hash)
            {
                Problem(AuditFindingKind.Changed, $"entry {link.Sequence} is not the one that the head names");
            }
        }

        _last = link;
        _lastKind = checkpoint?.Kind ?? "";
    }

    /// <summary>Takes what stands after the last line feed, and says what was found.</summary>
    public AuditReport End(ReadOnlySpan<byte> rest)
    {
        Loose();
        if (!rest.IsEmpty)
        {
            _line++;
            Remark(
                _line,
                AuditFindingKind.Torn,
                "the last line is incomplete: the server was killed, or is writing it now"
            );
        }

        if (options.Head is { } head && !_headSeen)
        {
            Problem(
                AuditFindingKind.CutOff,
                head.Sequence == long.MaxValue
                    ? "the head is not a checkpoint"
                    : $"the log ends at entry {_last?.Sequence ?? 0}, but entry {head.Sequence} had been written: it was cut off",
                line: _line
            );
        }
        else if (options.Head is null && _lastKind is not ("close" or "rotate"))
        {
            Problem(
                AuditFindingKind.Unconfirmed,
                "nothing vouches for the end of the log, so entries may have been cut off: it has no head (the .head file "
                    + "beside it, or sys/audit-head), and does not end with a closing checkpoint",
                line: _line
            );
        }

        if (_last is null && rest.IsEmpty && options.Previous is null && options.Head is null)
        {
            Problem(AuditFindingKind.NoBeginning, "the log is empty", line: 0);
        }

        if (_unsigned > 0)
        {
            Remark(_line, AuditFindingKind.Unsigned, $"the last {_unsigned} lines are not signed yet");
        }

        if (options.PublicKey is null)
        {
            Remark(0, AuditFindingKind.Unconfirmed, $"the key {_keyId ?? "?"} is the one that the log itself names");
        }

        return new AuditReport
        {
            Intact = !_problem,
            Lines = _line,
            Entries = _entries,
            Checkpoints = _checkpoints,
            Unsigned = _unsigned,
            Continues = _continues,
            Last = _last,
            KeyId = _keyId,
            KeyPinned = options.PublicKey is not null,
            Findings = _findings,
            FurtherFindings = _further,
        };
    }

    /// <summary>Whether the line stands where it belongs.</summary>
    private void Place(AuditLink link, string previous, AuditCheckpoint? checkpoint, bool afterLoose)
    {
        if (_last is null)
        {
            First(link, previous, checkpoint);
            return;
        }

        if (link.Sequence == _last.Sequence + 1 && previous == _last.Hash)
        {
            return;
        }

        if (checkpoint is { Expected: { } expected } && previous == _last.Hash)
        {
            Problem(
                AuditFindingKind.CutOff,
                $"when the server opened the log again it ended at entry {_last.Sequence}, but {expected.Sequence} had been written"
            );
        }
        else if (checkpoint is { Kind: "start" } && Follows(link, previous))
        {
            Remark(
                _line,
                AuditFindingKind.Unsigned,
                "the server ended without closing the log; the chain goes on from its last known checkpoint"
            );
        }
        else if (link == _last)
        {
            Problem(AuditFindingKind.Duplicated, $"entry {link.Sequence} stands here a second time");
        }
        else if (link.Sequence <= _last.Sequence)
        {
            Problem(
                AuditFindingKind.Reordered,
                $"entry {link.Sequence} stands after entry {_last.Sequence}: it was moved, or put in again"
            );
        }
        else if (link.Sequence > _last.Sequence + 1)
        {
            if (!afterLoose || link.Sequence > _last.Sequence + 2)
            {
                var missing = link.Sequence - _last.Sequence - 1;
                Problem(
                    AuditFindingKind.Removed,
                    $"{missing} {(missing == 1 ? "entry is" : "entries are")} missing between {_last.Sequence} and {link.Sequence}"
                );
            }
        }
        else
        {
            Problem(
                AuditFindingKind.Changed,
                $"entry {_last.Sequence}, the line before, is not the one that was written",
                line: _line - 1
            );
        }
    }

    private void First(AuditLink link, string previous, AuditCheckpoint? checkpoint)
    {
        if (link.Sequence > 1 || previous != Zeros)
        {
            _continues = new AuditLink(link.Sequence - 1, previous);
        }

        if (checkpoint is not { Kind: "start" } && !(options.Previous is not null && checkpoint is { Kind: "resume" }))
        {
            Problem(AuditFindingKind.NoBeginning, "the log does not begin with a start line: its beginning is missing");
        }
        else if (options.Previous is { } before && _continues != before)
        {
            Problem(
                AuditFindingKind.Removed,
                $"the log does not continue the one before, which ended at entry {before.Sequence}"
            );
        }
        else if (options.Previous is null && _continues is { } earlier)
        {
            Remark(
                _line,
                AuditFindingKind.Unconfirmed,
                $"the log continues an earlier one, which ended at entry {earlier.Sequence}"
            );
        }
    }

    private bool Follows(AuditLink link, string previous) =>
        _recent.Contains(new AuditLink(link.Sequence - 1, previous));

    private void Signed(in AuditLine line, AuditCheckpoint checkpoint, bool holds)
    {
        Span<byte> signature = stackalloc byte[AuditChain.SignatureDigits];
        var decoded = Convert.TryFromBase64String(
            Encoding.ASCII.GetString(line.SignatureBase64),
            signature,
            out var length
        );
        if (_key is null && checkpoint.PublicKey is { } named)
        {
            _key = Import(named);
            _keyId = _key is null ? null : AuditChain.KeyId(named);
        }

        var mine = checkpoint.KeyId == _keyId;
        if (!mine)
        {
            Problem(AuditFindingKind.OtherKey, $"signed with the key {checkpoint.KeyId}, expected {_keyId ?? "none"}");
        }
        else if (
            holds
            && !(decoded && length == AuditChain.SignatureSize && AuditChain.Verify(_key!, _hash, signature[..length]))
        )
        {
            Problem(
                AuditFindingKind.BadSignature,
                $"the signature of checkpoint {checkpoint.Link.Sequence} does not hold: it, or lines before it, were changed"
            );
        }

        if (checkpoint.Kind == "resume" && _unsigned > 0)
        {
            Remark(
                _line,
                AuditFindingKind.Unsigned,
                $"the {_unsigned} lines before were not signed when the server ended without closing the log"
            );
        }

        if (checkpoint.Lost > 0)
        {
            Remark(
                _line,
                AuditFindingKind.Lost,
                $"the device could not take {checkpoint.Lost} entries before this line"
            );
        }

        _unsigned = 0;
        _recent.Enqueue(checkpoint.Link);
        if (_recent.Count > RememberedCheckpoints)
        {
            _recent.Dequeue();
        }
    }

    /// <summary>A line that is not one of the chain, once it is clear that no torn line explains it.</summary>
    private void Loose()
    {
        if (_loose is { } loose)
        {
            _loose = null;
            Problem(AuditFindingKind.Foreign, "not a line of the chain: changed, or put in", loose.Line);
        }
    }

    private void Problem(AuditFindingKind kind, string message, long? line = null)
    {
        _problem = true;
        Add(new AuditFinding(line ?? _line, kind, IsProblem: true, message));
    }

    private void Remark(long line, AuditFindingKind kind, string message) =>
        Add(new AuditFinding(line, kind, IsProblem: false, message));

    private void Add(AuditFinding finding)
    {
        if (_findings.Count < options.MaximumFindings)
        {
            _findings.Add(finding);
        }
        else
        {
            _further++;
        }
    }

    private static ECDsa? Import(ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
            return key;
        }
        catch (CryptographicException)
        {
            key.Dispose();
            return null;
        }
    }
}
