using Mayfly.Core.Consumers;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Consumers;

public sealed class ConsumerBookTests
{
    private const string Path = "secret/data/app";
    private const string Token = "accessor";

    private readonly ManualTime _time = new();
    private readonly ConsumerBook _book;
    private int _taken;

    public ConsumerBookTests() => _book = new ConsumerBook(_time);

    [Fact]
    public void A_consumer_lives_for_five_minutes_after_it_was_last_heard_of()
    {
        _book.Acknowledge(Path, "app/1", Token, "1");
        _time.Advance(TimeSpan.FromMinutes(4));
        _book.Acknowledge(Path, "app/2", Token, "1");
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(["app/2"], _book.Of(Path).Select(consumer => consumer.Name));
        Assert.Empty(_book.Of("secret/data/other"));
    }

    [Fact]
    public void An_acknowledgement_counts_by_either_name_of_the_version()
    {
        _book.Acknowledge(Path, "app/1", Token, "3");
        Offer("uuid");
        Assert.Single(_book.BehindOf(Path, "uuid"));
        _book.Acknowledge(Path, "app/1", Token, "uuid");
        Assert.Empty(_book.BehindOf(Path, "uuid"));
        Assert.Equal(1, _taken);

        _book.Acknowledge(Path + "/", "app/1", Token, "3");
        Assert.Single(_book.BehindOf(Path, "uuid"));
    }

    [Fact]
    public void What_is_withdrawn_is_not_on_offer()
    {
        Offer("uuid");
        _book.Withdraw(Path);
        _book.Acknowledge(Path, "app/1", Token, "uuid");
        Assert.Equal(0, _taken);
    }

    [Fact]
    public void Its_size_is_bounded_and_those_who_are_gone_make_room()
    {
        for (var i = 0; i < ConsumerBook.MostPerPath; i++)
        {
            Assert.Null(_book.Acknowledge(Path, $"app/{i}", $"token {i}", "1"));
        }

        var fault = _book.Acknowledge(Path, "app/another", "another token", "1");
        Assert.Equal(FaultKind.Throttled, fault?.Kind);
        Assert.Equal(ConsumerBook.MostPerPath, _book.Of(Path).Count);
        for (var i = 0; i < ConsumerBook.MostPaths + 10; i++)
        {
            _book.Acknowledge($"path/{i}", "app/1", $"token {i}", "1");
        }

        Assert.Empty(_book.Of($"path/{ConsumerBook.MostPaths + 1}"));
        _time.Advance(ConsumerBook.Lifetime);
        _book.Acknowledge("path/new", "app/1", Token, "1");
        Assert.Single(_book.Of("path/new"));
    }

    [Fact]
    public void One_token_cannot_name_so_many_that_others_are_not_remembered()
    {
        var named = Enumerable
            .Range(0, ConsumerBook.MostPerPath)
            .Count(i => _book.Acknowledge(Path, $"noise/{i}", "greedy", "1") is null);

        Assert.InRange(named, 500, ConsumerBook.MostPerPath / 2);
        Assert.Null(_book.Acknowledge(Path, "app/1", Token, "1"));
        Assert.Contains(_book.Of(Path), consumer => consumer.Name == "app/1");
    }

    [Fact]
    public void All_paths_together_have_a_limit_which_those_who_are_gone_free_again()
    {
        const int PerPath = 100;
        for (var i = 0; i < ConsumerBook.MostAtAll; i++)
        {
            Assert.Null(_book.Acknowledge($"path/{i / PerPath}", $"app/{i}", $"token {i}", "1"));
        }

        Assert.Equal(FaultKind.Throttled, _book.Acknowledge("path/new", "app/1", Token, "1")?.Kind);

        _time.Advance(ConsumerBook.Lifetime);
        Assert.Null(_book.Acknowledge("path/new", "app/1", Token, "1"));
    }

    [Fact]
    public async Task Many_at_once_are_all_remembered()
    {
        await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(thread =>
                    Task.Run(
                        () =>
                        {
                            for (var i = 0; i < 100; i++)
                            {
                                _book.Acknowledge(Path, $"app/{thread}-{i}", Token, "1");
                            }
                        },
                        TestContext.Current.CancellationToken
                    )
                )
        );
        Assert.Equal(800, _book.Of(Path).Count);
    }

    [Theory]
    [InlineData("shop/web-1", true)]
    [InlineData("a", true)]
    [InlineData("", false)]
    [InlineData("two words", false)]
    [InlineData("line\nbreak", false)]
    [InlineData("é", false)]
    public void A_consumers_name_is_printable(string name, bool isFine) =>
        Assert.Equal(isFine, ConsumerName.Problem(name) is null);

    [Fact]
    public void A_consumers_name_has_a_limit()
    {
        Assert.Null(ConsumerName.Problem(new string('a', 128)));
        Assert.Equal(FaultKind.Invalid, ConsumerName.Problem(new string('a', 129))?.Kind);
    }

    private void Offer(string version) => _book.Offer(Path, version, read: null, () => _taken++);
}
