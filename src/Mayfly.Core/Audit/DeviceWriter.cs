using System.Security.Cryptography;
using Mayfly.Crypto.Audit;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Audit;

/// <summary>
/// Links the entries of one device into its chain, adds signed checkpoints, and hands groups of lines to the sink. Used by
/// one thread at a time.
/// </summary>
internal sealed class DeviceWriter : IDisposable
{
    /// <summary>A checkpoint stands at least after so many lines.</summary>
    public const int CheckpointEvery = 8_192;

    public static readonly TimeSpan CheckpointPeriod = TimeSpan.FromSeconds(1);

    private readonly AuditDeviceRecord _record;
    private readonly AuditSink _sink;
    private readonly AuditContext _context;
    private readonly ECDsa _key;
    private readonly byte[] _hash;
    private readonly LineBuffer _body = new();
    private readonly SealedLines _lines = new();
    private long _sequence;
    private long _signed;
    private int _headLine = -1;
    private bool _headFailed;
    private volatile ChainPosition _position;
    private volatile byte[]? _head;
    private volatile string? _remark;

    /// <param name="record">The device.</param>
    /// <param name="sink">Where lines go.</param>
    /// <param name="context">What the server gives.</param>
    /// <param name="known">Where the chain stood when the server last knew, or null.</param>
    public DeviceWriter(AuditDeviceRecord record, AuditSink sink, AuditContext context, ChainPosition? known)
    {
        _record = record;
        _sink = sink;
        _context = context;
        _key = context.SigningKey.Copy();
        _position = known ?? ChainPosition.None;
        _hash = Convert.FromHexString(_position.Hash);
        _sequence = _signed = _position.Sequence;
    }

    /// <summary>Lines since the last checkpoint.</summary>
    public long Unsigned => _sequence - _signed;

    /// <summary>Where the chain stood at the newest checkpoint that the sink has taken.</summary>
    public ChainPosition Position => _position;

    /// <summary>That checkpoint.</summary>
    public byte[]? Head => _head;

    /// <summary>What the operator should know although the device works: that its file was deleted or cut off.</summary>
    public string? Remark => _remark;

    /// <summary>Whether the last call of <see cref="Write"/> got as far as linking the entries.</summary>
    public bool Took { get; private set; }

    /// <summary>Writes what an earlier call could not, the entries, and a checkpoint when one is due.</summary>
    /// <returns>Null, or why not everything has been taken.</returns>
    public string? Write(EntryQueue entries, bool checkpoint, bool closing, long lost)
    {
        Took = false;
        if (_lines.IsDone)
        {
            _lines.Clear();
            _headLine = -1;
        }

        if (Prepare(look: checkpoint || closing, lost) is { } reason)
        {
            return reason;
        }

        Took = true;
        for (var i = 0; i < entries.Count; i++)
        {
            _lines.Add(entries[i], ++_sequence, _hash, key: null);
            if (Unsigned >= CheckpointEvery)
            {
                Checkpoint("periodic", lost: lost);
                lost = 0;
            }
        }

        if (closing || lost > 0 || (checkpoint && Unsigned > 0))
        {
            Checkpoint(closing ? "close" : "periodic", lost: lost);
        }

        return Flush();
    }

    public void Dispose() => _key.Dispose();

    private string? Flush()
    {
        var before = _lines.LinesDone;
        if (_lines.IsDone)
        {
            return null;
        }

        if (_sink.Write(_lines) is { } error)
        {
            return error;
        }

        AuditMetrics.Written.Add(_lines.Count - before, new KeyValuePair<string, object?>("device", _record.Path));
        if (_headLine >= 0)
        {
            var line = _lines[_headLine];
            _headLine = -1;
            _head = line.ToArray();
            if (AuditLine.TryParse(line, out var parsed))
            {
                _position = new ChainPosition(parsed.Sequence, System.Text.Encoding.ASCII.GetString(parsed.HashHex));
            }

            SaveHead(line);
        }

        return null;
    }

    private void SaveHead(ReadOnlySpan<byte> line)
    {
        var error = _sink.SaveHead(line);
        if (error is not null && !_headFailed)
        {
            _context.Log.LogWarning(
                "audit device {Path} cannot keep the newest checkpoint beside its log: {Reason}",
                _record.Path,
                error
            );
        }

        _headFailed = error is not null;
    }

    private string? Prepare(bool look, long lost)
    {
        var found = _sink.Prepare(look);
        var why = "new";
        if (found.State == SinkState.Moved)
        {
            why = found.Reason;
            _context.Log.LogWarning(
                "audit device {Path}: its file was {What}; going on in a new one",
                _record.Path,
                why
            );
            _remark = why == "renamed" ? _remark : $"its file was {why} at {_context.Time.GetUtcNow():O}";
            if (why != FileSink.CutOff)
            {
                FinishOldFile();
            }

            _sink.LetGo();
            found = _sink.Prepare(look: true);
        }

        switch (found.State)
        {
            case SinkState.Ready:
                return null;
            case SinkState.Empty:
                Begin(_sequence > 0 && why == "new" ? "missing" : why, tail: null, lost);
                return null;
            case SinkState.Continued:
                Begin(why == "new" ? "continued" : why, found.Tail, lost);
                return null;
            case SinkState.Reconnected:
                _lines.Done = _lines.LinesDone == 0 ? 0 : _lines.EndOf(_lines.LinesDone - 1);
                return null;
            default:
                return found.Reason;
        }
    }

    /// <summary>The open file has been moved away: what is left goes into it, and a checkpoint that ends it.</summary>
    private void FinishOldFile()
    {
        Checkpoint("rotate");
        _ = Flush();
    }

    /// <summary>The first line in a file that has just been opened, before anything that is still waiting.</summary>
    private void Begin(string reason, FileTail? tail, long lost)
    {
        var waiting = TakeBack();
        ChainPosition? expected = null;
        if (tail is { Position: { Sequence: > 0 } end })
        {
            var here = new ChainPosition(_sequence, Convert.ToHexStringLower(_hash));
            if (_sequence > 0 && (end.Sequence < _sequence || (end.Sequence == _sequence && end.Hash != here.Hash)))
            {
                expected = here;
                _remark = $"its log was cut off or exchanged before {_context.Time.GetUtcNow():O}";
                _context.Log.LogError(
                    "audit device {Path}: the log ends at entry {Found}, but {Expected} had been written: it was cut off or exchanged",
                    _record.Path,
                    end.Sequence,
                    here.Sequence
                );
            }

            _sequence = Math.Max(_sequence, end.Sequence);
            Convert.FromHexString(end.Hash).CopyTo(_hash.AsSpan());
        }
        else if (tail is not null)
        {
            reason = "foreign";
        }

        var continues = tail is { Position.Sequence: > 0 };
        if (tail is { NeedsFeed: true })
        {
            _lines.AddRaw("\n"u8);
        }

        Checkpoint(continues ? "resume" : "start", reason, tail, expected, lost);
        foreach (var body in waiting)
        {
            _lines.Add(body, ++_sequence, _hash, key: null);
        }
    }

    /// <summary>Unlinks the lines that the old file did not take whole, so that they can follow in the new one.</summary>
    private List<byte[]> TakeBack()
    {
        var bodies = new List<byte[]>();
        var done = _lines.LinesDone;
        for (var i = done; i < _lines.Count; i++)
        {
            if (AuditLine.TryParse(_lines[i], out var line))
            {
                if (!line.IsCheckpoint)
                {
                    bodies.Add(line.Body.ToArray());
                }

                if (i == done)
                {
                    Convert.FromHexString(System.Text.Encoding.ASCII.GetString(line.PreviousHex)).CopyTo(_hash, 0);
                    _sequence = line.Sequence - 1;
                    _signed = Math.Min(_signed, _sequence);
                }
            }
        }

        _headLine = -1;
        _lines.Clear();
        return bodies;
    }

    private void Checkpoint(
        string kind,
        string? reason = null,
        FileTail? tail = null,
        ChainPosition? expected = null,
        long lost = 0
    )
    {
        var line = _body;
        line.Clear();
        line.Raw("{\"time\":"u8);
        line.Time(_context.Time.GetUtcNow());
        line.Raw(",\"type\":\"checkpoint\",\"checkpoint\":{\"log\":"u8);
        line.Text(_record.Uuid);
        line.Raw(",\"kind\":"u8);
        line.Text(kind);
        if (reason is not null)
        {
            line.Raw(",\"reason\":"u8);
            line.Text(reason);
        }

        line.Raw(",\"key\":"u8);
        line.Text(_context.SigningKey.Id);
        if (kind is "start" or "resume")
        {
            line.Raw(",\"public_key\":"u8);
            line.Text(_context.SigningKey.PublicKeyBase64);
        }

        if (tail is { TornBytes: > 0 })
        {
            line.Raw(",\"torn\":{\"bytes\":"u8);
            line.Number(tail.TornBytes);
            line.Raw(",\"sha256\":"u8);
            line.Text(tail.TornHash);
            line.Byte((byte)'}');
        }

        if (expected is not null)
        {
            line.Raw(",\"expected\":{\"seq\":"u8);
            line.Number(expected.Sequence);
            line.Raw(",\"hash\":"u8);
            line.Text(expected.Hash);
            line.Byte((byte)'}');
        }

        if (lost > 0)
        {
            line.Raw(",\"lost\":"u8);
            line.Number(lost);
        }

        line.Byte((byte)'}');
        _lines.Add(line.Written, ++_sequence, _hash, _key);
        _headLine = _lines.Count - 1;
        _signed = _sequence;
    }
}
