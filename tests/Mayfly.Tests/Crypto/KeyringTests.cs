using System.Security.Cryptography;
using Mayfly.Crypto;

namespace Mayfly.Tests.Crypto;

public sealed class KeyringTests : IDisposable
{
    private readonly Keyring _keyring = Keyring.Generate();

    public void Dispose() => _keyring.Dispose();

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(15, 507)]
    [InlineData(1024, 508)]
    [InlineData(100_000, 70_000)]
    public void What_is_sealed_opens_again(int length, int contextLength)
    {
        var plaintext = RandomNumberGenerator.GetBytes(length);
        var context = RandomNumberGenerator.GetBytes(contextLength);
        var envelope = _keyring.Seal(context, plaintext);
        Assert.Equal(length + Envelope.Overhead, envelope.Length);
        using var opened = _keyring.Open(context, envelope);
        Assert.Equal(plaintext, opened.Span.ToArray());
    }

    [Fact]
    public void Every_flipped_bit_of_an_envelope_is_noticed()
    {
        var envelope = _keyring.Seal("context"u8, "some plaintext"u8);
        for (var bit = 0; bit < envelope.Length * 8; bit++)
        {
            envelope[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.ThrowsAny<CryptographicException>(() => _keyring.Open("context"u8, envelope));
            envelope[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        _keyring.Open("context"u8, envelope).Dispose();
    }

    [Fact]
    public void Every_truncated_envelope_is_noticed()
    {
        var envelope = _keyring.Seal("context"u8, "some plaintext"u8);
        for (var length = 0; length < envelope.Length; length++)
        {
            Assert.ThrowsAny<CryptographicException>(() => _keyring.Open("context"u8, envelope.AsSpan(0, length)));
        }

        Assert.ThrowsAny<CryptographicException>(() => _keyring.Open("context"u8, [.. envelope, 0]));
    }

    [Fact]
    public void An_envelope_opens_neither_elsewhere_nor_with_other_keys()
    {
        var envelope = _keyring.Seal("a"u8, "value"u8);
        using var other = Keyring.Generate();
        Assert.ThrowsAny<CryptographicException>(() => _keyring.Open("b"u8, envelope));
        Assert.ThrowsAny<CryptographicException>(() => _keyring.Open(""u8, envelope));
        Assert.ThrowsAny<CryptographicException>(() => other.Open("a"u8, envelope));
    }

    [Fact]
    public void Headers_of_two_records_cannot_be_exchanged()
    {
        var first = _keyring.Seal("a"u8, "first"u8);
        var second = _keyring.Seal("b"u8, "other"u8);
        byte[] mixed = [.. first.AsSpan(0, Envelope.HeaderSize), .. second.AsSpan(Envelope.HeaderSize)];
        Assert.ThrowsAny<CryptographicException>(() => _keyring.Open("a"u8, mixed));
        Assert.ThrowsAny<CryptographicException>(() => _keyring.Open("b"u8, mixed));
    }

    [Fact]
    public void Equal_plaintexts_give_different_envelopes()
    {
        var first = _keyring.Seal("a"u8, "value"u8);
        var second = _keyring.Seal("a"u8, "value"u8);
        Assert.NotEqual(first[Envelope.HeaderSize..], second[Envelope.HeaderSize..]);
    }

    [Fact]
    public void Rewrapping_exchanges_the_header_and_leaves_the_ciphertext_as_it_is()
    {
        var envelope = _keyring.Seal("context"u8, "some plaintext"u8);
        var before = envelope.ToArray();
        Assert.Null(_keyring.Rewrap("context"u8, envelope));
        Assert.Equal(2, _keyring.Stage(DateTimeOffset.UnixEpoch));
        Assert.Equal(1, _keyring.ActiveVersion);
        Assert.Null(_keyring.Rewrap("context"u8, envelope));
        _keyring.Activate();
        Assert.Equal(2, _keyring.ActiveVersion);

        var rewrapped = _keyring.Rewrap("context"u8, envelope)!;
        Assert.Equal(before, envelope);
        Assert.Equal(envelope[Envelope.HeaderSize..], rewrapped[Envelope.HeaderSize..]);
        Assert.Equal(2u, Envelope.Read(rewrapped).KekVersion);
        Assert.NotEqual(Envelope.Read(envelope).WrappedDek.ToArray(), Envelope.Read(rewrapped).WrappedDek.ToArray());
        foreach (var either in (byte[][])[envelope, rewrapped])
        {
            using var opened = _keyring.Open("context"u8, either);
            Assert.Equal("some plaintext"u8, opened.Span);
        }

        Assert.ThrowsAny<CryptographicException>(() => _keyring.Rewrap("other"u8, envelope));
    }

    [Fact]
    public void An_exported_keyring_opens_what_the_original_sealed()
    {
        var old = _keyring.Seal("context"u8, "old"u8);
        _keyring.Stage(DateTimeOffset.UnixEpoch.AddDays(1));
        _keyring.Activate();
        var young = _keyring.Seal("context"u8, "young"u8);
        var name = _keyring.EncryptName("folder"u8, "name"u8);
        using var exported = _keyring.UnsafeExport();
        using var imported = Keyring.UnsafeImport(exported.Span);
        Assert.Equal(2, imported.ActiveVersion);
        Assert.Equal(DateTimeOffset.UnixEpoch.AddDays(1), imported.ActiveSince);
        using var first = imported.Open("context"u8, old);
        using var second = imported.Open("context"u8, young);
        Assert.Equal("old"u8, first.Span);
        Assert.Equal("young"u8, second.Span);
        Assert.Equal(name, imported.EncryptName("folder"u8, "name"u8));
        using var key = _keyring.DeriveKey("audit");
        using var same = imported.DeriveKey("audit");
        using var different = imported.DeriveKey("tokens");
        Assert.Equal(key.Span.ToArray(), same.Span.ToArray());
        Assert.NotEqual(key.Span.ToArray(), different.Span.ToArray());
    }

    [Fact]
    public void A_truncated_export_is_refused()
    {
        using var exported = _keyring.UnsafeExport();
        for (var length = 0; length < exported.Length; length++)
        {
            Assert.ThrowsAny<CryptographicException>(() => Keyring.UnsafeImport(exported.Span[..length]));
        }
    }

    [Fact]
    public void Uses_are_counted_and_a_restart_forgets_none()
    {
        _keyring.ReserveUses();
        for (var i = 0; i < 10; i++)
        {
            _keyring.Seal("a"u8, "b"u8);
        }

        Assert.Equal(10, _keyring.ActiveUses);
        Assert.False(_keyring.ReservationLow);
        using var exported = _keyring.UnsafeExport();
        using var restarted = Keyring.UnsafeImport(exported.Span);
        Assert.True(restarted.ActiveUses >= _keyring.ActiveUses);
        Assert.True(restarted.ReservationLow);
    }

    [Fact]
    public void A_key_is_never_used_beyond_its_limit()
    {
        using var kek = new Kek(1, SecretBytes.Random(32), DateTimeOffset.UnixEpoch, Kek.UseLimit - 1);
        var header = new byte[Envelope.HeaderSize];
        kek.Wrap(new byte[32], new byte[12], "a"u8, header);
        Assert.Throws<InvalidOperationException>(() => kek.Wrap(new byte[32], new byte[12], "a"u8, header));
    }

    [Fact]
    public async Task Many_threads_may_seal_and_open_at_once()
    {
        await Parallel.ForAsync(
            0,
            8,
            TestContext.Current.CancellationToken,
            (worker, _) =>
            {
                Span<byte> plaintext = stackalloc byte[32];
                plaintext.Fill((byte)worker);
                for (var i = 0; i < 500; i++)
                {
                    using var opened = _keyring.Open("a"u8, _keyring.Seal("a"u8, plaintext));
                    Assert.Equal(plaintext, opened.Span);
                    var name = _keyring.EncryptName("folder"u8, plaintext);
                    Assert.Equal(plaintext.ToArray(), _keyring.DecryptName("folder"u8, name));
                }

                return ValueTask.CompletedTask;
            }
        );
    }
}
