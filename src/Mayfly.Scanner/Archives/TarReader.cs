using System.Globalization;
using System.Text;

namespace Mayfly.Scanner.Archives;

/// <summary>
/// Reads the files of a tar archive one after the other: the old format, ustar, pax, and GNU's. Holds no more of the
/// archive than one header. One owner.
/// </summary>
/// <param name="tar">Positioned at the archive's beginning; need not be able to go back.</param>
internal sealed class TarReader(Stream tar)
{
    private readonly Stream _tar = tar;

    /// <summary>Long names and pax records have at most so many bytes.</summary>
    private const int LargestHeader = 1 << 20;

    private readonly byte[] _block = new byte[TarHeader.Size];
    private readonly long _start = tar.CanSeek ? tar.Position : 0;
    private long _read;
    private long _next;

    /// <summary>Each file with its content, which is good until the next one is asked for.</summary>
    /// <exception cref="ArchiveException">The archive is broken here; what came before was whole.</exception>
    public IEnumerable<(string Name, long Length, Stream Content)> Files()
    {
        string? longName = null;
        long? longLength = null;
        var ended = false;
        while (ReadBlock())
        {
            if (_block.AsSpan().IndexOfAnyExcept((byte)0) < 0)
            {
                // The end; but another archive can follow, as after `cat a.tar b.tar`.
                ended = true;
                continue;
            }

            if (TarHeader.Read(_block) is not { } header)
            {
                if (ended)
                {
                    yield break;
                }

                throw new ArchiveException("it is broken: the header of an entry is damaged");
            }

            var more = header.HasMore;
            while (more && ReadBlock())
            {
                more = _block[504] == 1;
            }

            switch (header.Type)
            {
                case (byte)'L':
                    longName = TarHeader.Text(ReadSmall(header.Length));
                    continue;
                case (byte)'x':
                    (longName, longLength) = Records(ReadSmall(header.Length), longName);
                    continue;
            }

            var length = longLength ?? header.Length;
            Reserve(length);
            // Links, folders and devices have no content, whatever their header says; anything unknown is a file.
            if (header.Type is not ((byte)'K' or (byte)'g') and not (>= (byte)'1' and <= (byte)'6') && length > 0)
            {
                yield return (longName ?? header.Name, length, new EntryStream(this, _read, length));
            }

            (longName, longLength) = (null, null);
        }
    }

    /// <summary>Reads the content of the entry that <see cref="Files"/> is at.</summary>
    private int ReadContent(long at, Span<byte> into)
    {
        if (_tar.CanSeek)
        {
            _tar.Position = _start + at;
        }
        else if (at != _read)
        {
            throw new ArchiveException("an entry was left before it was read");
        }

        var read = _tar.Read(into);
        _read = at + read;
        return read > 0 ? read : throw new ArchiveException("it is broken: it ends in the middle of an entry");
    }

    /// <summary>What follows are so many bytes, and then the next header.</summary>
    private void Reserve(long length)
    {
        if (length > long.MaxValue / 2 - _read)
        {
            throw new ArchiveException("it is broken: an entry is longer than any file");
        }

        _next = _read + (length + TarHeader.Size - 1) / TarHeader.Size * TarHeader.Size;
    }

    /// <summary>The next block; false at the end of the stream.</summary>
    private bool ReadBlock()
    {
        if (_tar.CanSeek)
        {
            // Beyond the end nothing more is read.
            _tar.Position = _start + _next;
            _read = _next;
        }

        while (_read < _next)
        {
            var skipped = _tar.Read(_block.AsSpan(0, (int)Math.Min(_block.Length, _next - _read)));
            if (skipped == 0)
            {
                throw new ArchiveException("it is broken: it ends in the middle of an entry");
            }

            _read += skipped;
        }

        var read = _tar.ReadAtLeast(_block, _block.Length, throwOnEndOfStream: false);
        _read += read;
        _next = _read;
        return read == _block.Length ? true
            : read == 0 && (!_tar.CanSeek || _start + _next <= _tar.Length) ? false
            : throw new ArchiveException("it is broken: it ends in the middle of an entry");
    }

    /// <summary>What stands between two headers.</summary>
    private byte[] ReadSmall(long length)
    {
        if (length > LargestHeader)
        {
            throw new ArchiveException($"it is broken: an extended header has {length} bytes");
        }

        var content = new byte[length];
        Reserve(length);
        var read = _tar.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        _read += read;
        return read == length ? content : throw new ArchiveException("it is broken: it ends in the middle of a header");
    }

    /// <summary>The name and length in pax' records: <c>12 path=a/b\n</c>.</summary>
    private static (string? Name, long? Length) Records(ReadOnlySpan<byte> records, string? name)
    {
        long? length = null;
        while (records.IndexOf((byte)' ') is var space and > 0)
        {
            if (
                !int.TryParse(records[..space], NumberStyles.None, CultureInfo.InvariantCulture, out var size)
                || size <= space + 1
                || size > records.Length
            )
            {
                break;
            }

            var record = Encoding.UTF8.GetString(records[(space + 1)..(size - 1)]);
            if (record.StartsWith("path=", StringComparison.Ordinal))
            {
                name = record[5..];
            }
            else if (record.StartsWith("GNU.sparse.name=", StringComparison.Ordinal))
            {
                name = record[16..];
            }
            else if (
                record.StartsWith("size=", StringComparison.Ordinal)
                && long.TryParse(record.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
            )
            {
                length = bytes;
            }

            records = records[size..];
        }

        return (name, length);
    }

    /// <summary>The content of one entry. Can go back where the archive can.</summary>
    private sealed class EntryStream(TarReader reader, long start, long length) : ReadOnlyStream
    {
        private long _position;

        public override bool CanSeek => reader._tar.CanSeek;

        public override long Length => length;

        public override long Position
        {
            get => _position;
            set => _position = CanSeek ? value : throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            var left = length - _position;
            if (left <= 0 || buffer.Length == 0)
            {
                return 0;
            }

            var read = reader.ReadContent(start + _position, buffer[..(int)Math.Min(left, buffer.Length)]);
            _position += read;
            return read;
        }
    }
}
