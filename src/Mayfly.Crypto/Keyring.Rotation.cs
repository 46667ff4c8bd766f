using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Mayfly.Crypto;

/// <content>How keys come, are counted, and are kept.</content>
public sealed partial class Keyring
{
    /// <summary>Uses are reserved in the persisted keyring by this many at a time, so that a crash forgets none.</summary>
    private const long ReservedAtOnce = 1 << 20;

    private const byte ExportFormat = 1;
    private const int ExportHeader = 1 + 2 * NameCipher.KeySize + DerivationKeySize + sizeof(int);
    private const int ExportedKek = sizeof(uint) + Kek.KeySize + sizeof(long) + sizeof(long);

    /// <summary>Less than half of the reserved uses are left: <see cref="ReserveUses"/> and persist.</summary>
    public bool ReservationLow
    {
        get
        {
            var active = Volatile.Read(ref _active);
            return active.Reserved - active.Uses < ReservedAtOnce / 2;
        }
    }

    /// <summary>
    /// Makes a new KEK, which can open but is not used until <see cref="Activate"/>: in between, the keyring is persisted, so no
    /// record is ever written under a key that a crash would lose. Staging twice gives the same key.
    /// </summary>
    /// <returns>Its version.</returns>
    public int Stage(DateTimeOffset createdAt)
    {
        lock (_changes)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_keks[^1].Version == _active.Version)
            {
                var next = new Kek(_active.Version + 1, SecretBytes.Random(Kek.KeySize), createdAt, reserved: 0);
                Volatile.Write(ref _keks, [.. _keks, next]);
            }

            _keks[^1].Reserve(ReservedAtOnce);
            return (int)_keks[^1].Version;
        }
    }

    /// <summary>New records get the newest KEK from now on.</summary>
    public void Activate()
    {
        lock (_changes)
        {
            Volatile.Write(ref _active, _keks[^1]);
        }
    }

    /// <summary>Reserves uses of the active KEK for the next time that the keyring is persisted.</summary>
    public void ReserveUses() => Volatile.Read(ref _active).Reserve(ReservedAtOnce);

    /// <summary>Everything, in plaintext: to be wrapped by the root key, and for nothing else.</summary>
    public SecretBytes UnsafeExport()
    {
        lock (_changes)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var bytes = SecretBytes.Rent(ExportHeader + _keks.Length * ExportedKek);
            var rest = bytes.Span;
            rest[0] = ExportFormat;
            rest = rest[1..];
            rest = Append(rest, _names.UnsafeMacKey);
            rest = Append(rest, _names.UnsafeEncryptionKey);
            rest = Append(rest, _derivation.Span);
            BinaryPrimitives.WriteInt32BigEndian(rest, _keks.Length);
            rest = rest[sizeof(int)..];
            foreach (var kek in _keks)
            {
                BinaryPrimitives.WriteUInt32BigEndian(rest, kek.Version);
                rest = Append(rest[sizeof(uint)..], kek.UnsafeKey);
                BinaryPrimitives.WriteInt64BigEndian(rest, kek.CreatedAt.ToUnixTimeMilliseconds());
                BinaryPrimitives.WriteInt64BigEndian(rest[sizeof(long)..], kek.Reserved);
                rest = rest[(2 * sizeof(long))..];
            }

            return bytes;
        }
    }

    /// <summary>The keyring that <see cref="UnsafeExport"/> wrote.</summary>
    /// <exception cref="CryptographicException">It is not one.</exception>
    public static Keyring UnsafeImport(ReadOnlySpan<byte> exported)
    {
        if (exported.Length < ExportHeader + ExportedKek || exported[0] != ExportFormat)
        {
            throw new CryptographicException("Not a keyring.");
        }

        var rest = exported[1..];
        var count = BinaryPrimitives.ReadInt32BigEndian(rest[(2 * NameCipher.KeySize + DerivationKeySize)..]);
        if (count < 1 || exported.Length != ExportHeader + (long)count * ExportedKek)
        {
            throw new CryptographicException("The keyring has been cut.");
        }

        var mac = Take(ref rest, NameCipher.KeySize);
        var encryption = Take(ref rest, NameCipher.KeySize);
        var derivation = Take(ref rest, DerivationKeySize);
        rest = rest[sizeof(int)..];
        var keks = new Kek[count];
        for (var i = 0; i < count; i++)
        {
            var version = BinaryPrimitives.ReadUInt32BigEndian(rest);
            rest = rest[sizeof(uint)..];
            var key = Take(ref rest, Kek.KeySize);
            var createdAt = DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(rest));
            keks[i] = new Kek(version, key, createdAt, BinaryPrimitives.ReadInt64BigEndian(rest[sizeof(long)..]));
            rest = rest[(2 * sizeof(long))..];
            if (version != keks[0].Version + (uint)i)
            {
                throw new CryptographicException("The keyring's versions have a gap.");
            }
        }

        return new Keyring(new NameCipher(mac, encryption), derivation, keks);
    }

    private static Span<byte> Append(Span<byte> destination, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(destination);
        return destination[bytes.Length..];
    }

    private static SecretBytes Take(ref ReadOnlySpan<byte> source, int length)
    {
        var taken = SecretBytes.CopyOf(source[..length]);
        source = source[length..];
        return taken;
    }
}
