using FsCheck;
using FsCheck.Fluent;
using Mayfly.Cli.Flags;

namespace Mayfly.Tests.Cli;

public sealed class FlagParserTests
{
    [Theory]
    [InlineData("-text=a", "-on", "path")]
    [InlineData("--text=a", "--on", "path")]
    [InlineData("-text", "a", "-on", "path")]
    [InlineData("path", "-text", "a", "-on")]
    [InlineData("-on=true", "path", "--text", "a")]
    [InlineData("-t", "a", "path", "-on=1")]
    public void Flags_stand_anywhere_in_either_style(params string[] words)
    {
        var text = new TextFlag("text", "") { Alias = "t" };
        var on = new BoolFlag("on", "");

        var (positionals, error) = FlagParser.Parse(words, [text, on]);

        Assert.Null(error);
        Assert.Equal(["path"], positionals);
        Assert.Equal("a", text.Value);
        Assert.True(on.Value);
    }

    [Fact]
    public void A_lone_dash_and_key_value_pairs_are_no_flags()
    {
        var (positionals, error) = FlagParser.Parse(["-", "key=-", "a=-b", "--", "-x", "--"], []);

        Assert.Null(error);
        Assert.Equal(["-", "key=-", "a=-b", "-x", "--"], positionals);
    }

    [Theory]
    [InlineData("-formt=json", "flag provided but not defined: -formt. Did you mean -format?")]
    [InlineData("-zzzzzzzz", "flag provided but not defined: -zzzzzzzz")]
    [InlineData("-format", "flag needs an argument: -format")]
    [InlineData("-count=x", "invalid value for flag -count: expected a whole number")]
    [InlineData("-ttl=1x", "invalid value for flag -ttl: expected a duration such as 90s, 1h30m or 7d")]
    public void What_is_wrong_is_named(string word, string error)
    {
        Flag[] flags = [new TextFlag("format", ""), new NumberFlag("count", ""), new DurationFlag("ttl", "")];

        Assert.Equal(error, FlagParser.Parse([word], flags).Error);
    }

    [Theory]
    [InlineData("90", "90s")]
    [InlineData("1h30m", "1h30m")]
    [InlineData("7d", "7d")]
    [InlineData("500ms", "500ms")]
    [InlineData("1.5h", "1.5h")]
    [InlineData("-1", "-1s")]
    public void Durations_are_kept_as_the_server_takes_them(string typed, string sent)
    {
        var flag = new DurationFlag("ttl", "");

        Assert.Null(flag.Take(typed));
        Assert.Equal(sent, flag.Value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("h")]
    [InlineData("1hh")]
    [InlineData("1.2.3s")]
    [InlineData(".5h")]
    [InlineData("1h2")]
    [InlineData("-")]
    public void What_is_no_duration_is_refused(string typed) => Assert.NotNull(new DurationFlag("ttl", "").Take(typed));

    [Fact]
    public void Lists_and_maps_gather_what_is_repeated()
    {
        var list = new ListFlag("policy", "");
        var split = new ListFlag("versions", "", splitAtCommas: true);
        var map = new MapFlag("metadata", "");

        FlagParser.Parse(
            ["-policy=a,b", "-policy", "c", "-versions=1, 2,", "-versions=3", "-metadata=k=v=w", "-metadata=k2="],
            [list, split, map]
        );

        Assert.Equal(["a,b", "c"], list.Values);
        Assert.Equal(["1", "2", "3"], split.Values);
        Assert.Equal("v=w", map.Values["k"]);
        Assert.Equal("", map.Values["k2"]);
    }

    [Fact]
    public void Positional_arguments_keep_their_order_whatever_flags_stand_between() =>
        Prop.ForAll<string[], bool[]>(
                (texts, places) =>
                {
                    var wanted = texts.Where(static text => text is { Length: > 0 } && text[0] != '-').ToList();
                    var words = new List<string>();
                    for (var i = 0; i < wanted.Count; i++)
                    {
                        if (places.Length > 0 && places[i % places.Length])
                        {
                            words.AddRange(i % 2 == 0 ? ["-flag", "value"] : ["--flag=value"]);
                        }

                        words.Add(wanted[i]);
                    }

                    var (positionals, error) = FlagParser.Parse(words, [new TextFlag("flag", "")]);
                    Assert.Null(error);
                    Assert.Equal(wanted, positionals);
                }
            )
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Every_value_survives_either_spelling() =>
        Prop.ForAll<string>(value =>
            {
                value ??= "";
                var joined = new TextFlag("flag", "");
                var apart = new TextFlag("flag", "");
                FlagParser.Parse(["-flag=" + value], [joined]);
                FlagParser.Parse(["--flag", value], [apart]);
                Assert.Equal(value, joined.Value);
                Assert.Equal(value, apart.Value);
            })
            .QuickCheckThrowOnFailure();

    [Fact]
    public void No_command_line_makes_the_parser_fail() =>
        Prop.ForAll<string[]>(words =>
            {
                Flag[] flags = [new BoolFlag("b", ""), new DurationFlag("d", ""), new MapFlag("m", "")];
                _ = FlagParser.Parse([.. words.Select(static word => word ?? "-")], flags);
            })
            .QuickCheckThrowOnFailure();
}
