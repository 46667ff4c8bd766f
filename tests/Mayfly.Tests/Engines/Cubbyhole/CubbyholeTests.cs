using Mayfly.Core.Engines.Cubbyhole;
using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Cubbyhole;

public sealed class CubbyholeTests
{
    [Fact]
    public async Task Each_token_sees_only_its_own()
    {
        await using var cubbyhole = await EngineHarness.StartAsync(CubbyholeEngine.Type);
        var root = cubbyhole.Caller;
        (await cubbyhole.HandleAsync(Operation.Update, "a/b", """{"n":1}""")).IsDone();

        cubbyhole.Caller = root with { Token = root.Token with { Accessor = "other" } };
        (await cubbyhole.HandleAsync(Operation.Read, "a/b")).Failed(FaultKind.NotFound);
        (await cubbyhole.HandleAsync(Operation.List, "")).Failed(FaultKind.NotFound);
        (await cubbyhole.HandleAsync(Operation.Update, "a/b", """{"n":2}""")).IsDone();
        (await cubbyhole.HandleAsync(Operation.Delete, "a/b")).IsDone();

        cubbyhole.Caller = root;
        Assert.Equal("""{"n":1}""", (await cubbyhole.HandleAsync(Operation.Read, "a/b")).Text());
        Assert.Equal(["a/"], (await cubbyhole.HandleAsync(Operation.List, "")).Keys());
        Assert.Equal(["b"], (await cubbyhole.HandleAsync(Operation.List, "a/")).Keys());
    }

    [Fact]
    public async Task What_a_token_kept_ends_with_it()
    {
        await using var cubbyhole = await EngineHarness.StartAsync(CubbyholeEngine.Type);
        var root = cubbyhole.Caller;
        var cancellation = TestContext.Current.CancellationToken;
        await cubbyhole.HandleAsync(Operation.Update, "a", """{"n":1}""");
        await cubbyhole.HandleAsync(Operation.Update, "a/b/c", """{"n":1}""");
        cubbyhole.Caller = root with { Token = root.Token with { Accessor = "other" } };
        await cubbyhole.HandleAsync(Operation.Update, "a", """{"n":2}""");

        await cubbyhole.Engine.OnTokenEndedAsync("", cancellation);
        Assert.Equal(3, await cubbyhole.Store.CountAsync(cubbyhole.View.Root, cancellation));
        await cubbyhole.Engine.OnTokenEndedAsync(root.Token.Accessor, cancellation);

        Assert.Equal(1, await cubbyhole.Store.CountAsync(cubbyhole.View.Root, cancellation));
        Assert.Equal("""{"n":2}""", (await cubbyhole.HandleAsync(Operation.Read, "a")).Text());
    }

    [Theory]
    [InlineData(Operation.Read)]
    [InlineData(Operation.List)]
    [InlineData(Operation.Update)]
    [InlineData(Operation.Delete)]
    public async Task Batch_tokens_have_none(Operation operation)
    {
        await using var cubbyhole = await EngineHarness.StartAsync(CubbyholeEngine.Type);
        var root = cubbyhole.Caller;
        cubbyhole.Caller = root with { Token = root.Token with { Accessor = "", Type = TokenType.Batch } };

        (await cubbyhole.HandleAsync(operation, "a", """{"n":1}""")).Failed(
            FaultKind.Invalid,
            "cubbyhole operations are only supported by \"service\" type tokens"
        );
    }
}
