using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Crypto;

namespace Mayfly.Tests.Crypto;

public sealed class NameCipherTests : IDisposable
{
    private readonly Keyring _keyring = Keyring.Generate();

    public void Dispose() => _keyring.Dispose();

    [Fact]
    public void Names_come_back_and_equal_names_give_equal_bytes_only_in_one_folder()
    {
        Prop.ForAll<byte[], byte[], byte[]>(
                (name, folder, other) =>
                {
                    var encrypted = _keyring.EncryptName(folder, name);
                    var again = _keyring.EncryptName(folder, name);
                    var elsewhere = _keyring.EncryptName([.. other, 1, .. folder], name);
                    return encrypted.AsSpan().SequenceCompareTo(again) == 0
                        && encrypted.AsSpan().SequenceCompareTo(elsewhere) != 0
                        && _keyring.DecryptName(folder, encrypted).AsSpan().SequenceCompareTo(name) == 0;
                }
            )
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Folder_and_name_cannot_be_confused() =>
        Assert.NotEqual(_keyring.EncryptName("ab"u8, "c"u8)[..16], _keyring.EncryptName("a"u8, "bc"u8)[..16]);

    [Fact]
    public void Every_flipped_bit_and_every_cut_of_a_name_is_noticed()
    {
        var encrypted = _keyring.EncryptName("folder"u8, "the name of a secret"u8);
        for (var bit = 0; bit < encrypted.Length * 8; bit++)
        {
            encrypted[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.ThrowsAny<CryptographicException>(() => _keyring.DecryptName("folder"u8, encrypted));
            encrypted[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        for (var length = 0; length < encrypted.Length; length++)
        {
            Assert.ThrowsAny<CryptographicException>(() =>
                _keyring.DecryptName("folder"u8, encrypted.AsSpan(0, length))
            );
        }

        Assert.ThrowsAny<CryptographicException>(() => _keyring.DecryptName("another"u8, encrypted));
    }
}
