using Mayfly.Core.Seal;
using Mayfly.Crypto;

namespace Mayfly.Tests.Seal;

/// <summary>What every seal promises. A new one inherits this.</summary>
public abstract class SealContract
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A seal whose key is the same for the same number.</summary>
    protected abstract ISeal Create(int key);

    [Fact]
    public async Task What_is_wrapped_is_unwrapped_by_the_same_key_and_context_alone()
    {
        using var rootKey = SecretBytes.Random(32);
        using var seal = Create(1);
        using var same = Create(1);
        using var other = Create(2);
        var context = "context"u8.ToArray();
        var wrapped = await seal.WrapAsync(rootKey, context, Cancellation);
        using var unwrapped = await same.UnwrapAsync(wrapped, context, Cancellation);
        Assert.Equal(rootKey.Span.ToArray(), unwrapped!.Span.ToArray());
        Assert.Null(await other.UnwrapAsync(wrapped, context, Cancellation));
        Assert.Null(await seal.UnwrapAsync(wrapped, "another"u8.ToArray(), Cancellation));
        Assert.Equal(seal.KeyId, same.KeyId);
        Assert.NotEqual(seal.KeyId, other.KeyId);
        Assert.Equal(seal.Type, same.Type);
    }

    [Fact]
    public async Task Damage_is_noticed()
    {
        using var rootKey = SecretBytes.Random(32);
        using var seal = Create(1);
        var wrapped = await seal.WrapAsync(rootKey, default, Cancellation);
        for (var at = 0; at < wrapped.Length; at++)
        {
            wrapped[at] ^= 1;
            Assert.Null(await seal.UnwrapAsync(wrapped, default, Cancellation));
            wrapped[at] ^= 1;
            Assert.Null(await seal.UnwrapAsync(wrapped.AsMemory(0, at), default, Cancellation));
        }
    }
}

public sealed class ShamirSealTests : SealContract
{
    protected override ISeal Create(int key)
    {
        var bytes = SecretBytes.Rent(32);
        bytes.Span.Fill((byte)key);
        return new ShamirSeal(bytes);
    }
}

public sealed class StaticKeySealContractTests : SealContract
{
    protected override ISeal Create(int key) => KeyFile.Load(Enumerable.Repeat((byte)key, 32).ToArray());
}
