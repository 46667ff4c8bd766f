using Mayfly.Core.Consumers;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Consumers;

public sealed class ConsumerBookTests
{
    private const string Path = "secret/data/app";

    private readonly ManualTime _time = new();
    private readonly ConsumerBook _book;
    private int _taken;

    public ConsumerBookTests() => _book = new ConsumerBook(_time);

    [Fact]
    public void A_consumer_lives_for_five_minutes_after_it_was_last_heard_of()
    {
        _book.Acknowledge(Path, "app/1", "1");
        _time.Advance(TimeSpan.FromMinutes(4));
        _book.Acknowledge(Path, "app/2", "1");
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(["app/2"], _book.Of(Path).Select(consumer => consumer.Name));
        Assert.Empty(_book.Of("secret/data/other"));
    }

    [Fact]
    public void An_acknowledgement_counts_by_either_name_of_the_version()
    {
        _book.Acknowledge(Path, "app/1", "3");
        Offer("uuid");
        Assert.Single(_book.BehindOf(Path, "uuid"));
        _book.Acknowledge(Path, "app/1", "uuid");
        Assert.Empty(_book.BehindOf(Path, "uuid"));
        Assert.Equal(1, _taken);

        _book.Acknowledge(Path + "/", "app/1", "3");
        Assert.Single(_book.BehindOf(Path, "uuid"));
    }

    [Fact]
    public void What_is_withdrawn_is_not_on_offer()
    {
        Offer("uuid");
        _book.Withdraw(Path);
        _book.Acknowledge(Path, "app/1", "uuid");
        Assert.Equal(0, _taken);
    }

    [Fact]
    public void Its_size_is_bounded_and_those_who_are_gone_make_room()
    {
        for (var i = 0; i < ConsumerBook.MostPerPath + 10; i++)
        {
            _book.Acknowledge(Path, $"app/{i}", "1");
        }

        Assert.Equal(ConsumerBook.MostPerPath, _book.Of(Path).Count);
        for (var i = 0; i < ConsumerBook.MostPaths + 10; i++)
        {
            _book.Acknowledge($"path/{i}", "app/1", "1");
        }

        Assert.Empty(_book.Of($"path/{ConsumerBook.MostPaths + 1}"));
        _time.Advance(ConsumerBook.Lifetime);
        _book.Acknowledge("path/new", "app/1", "1");
        Assert.Single(_book.Of("path/new"));
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
                                _book.Acknowledge(Path, $"app/{thread}-{i}", "1");
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
