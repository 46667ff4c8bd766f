using Mayfly.Server.Configuration;

namespace Mayfly.Tests.Configuration;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("-dev", "-dev-root-token-id=t", "-dev-listen-address=127.0.0.1:1234")]
    [InlineData("--dev", "--dev-root-token-id=t", "--dev-listen-address=127.0.0.1:1234")]
    [InlineData("-dev=true", "-dev-root-token-id", "t", "-dev-listen-address", "127.0.0.1:1234")]
    [InlineData("server", "-dev", "-dev-root-token-id", "t", "-dev-listen-address", "127.0.0.1:1234")]
    public void Flags_are_read_in_every_spelling(params string[] arguments)
    {
        var line = Good(arguments);

        Assert.True(line.Dev);
        Assert.Equal("t", line.RootToken);
        Assert.Equal("127.0.0.1:1234", line.ListenAddress!.ToString());
    }

    [Theory]
    [InlineData("MAYFLY_DEV_ROOT_TOKEN_ID")]
    [InlineData("VAULT_DEV_ROOT_TOKEN_ID")]
    public void Environment_gives_what_flags_leave_open(string name)
    {
        string? Environment(string asked) => asked == name ? "from-environment" : null;

        Assert.Equal("from-environment", CommandLine.Parse(["-dev"], Environment).Line!.RootToken);
        Assert.Equal("flag", CommandLine.Parse(["-dev", "-dev-root-token-id=flag"], Environment).Line!.RootToken);
    }

    [Fact]
    public void Our_environment_variable_wins_over_Vaults()
    {
        var line = CommandLine
            .Parse(
                ["-dev"],
                name =>
                    name.StartsWith("MAYFLY_DEV_ROOT", StringComparison.Ordinal) ? "ours"
                    : name.StartsWith("VAULT_DEV_ROOT", StringComparison.Ordinal) ? "theirs"
                    : null
            )
            .Line!;

        Assert.Equal("ours", line.RootToken);
    }

    [Fact]
    public void Configurations_add_up()
    {
        Assert.Equal(["a.hcl", "b"], Good("-config=a.hcl", "-config", "b").Configurations);
    }

    [Theory]
    [InlineData("unknown flag -nonsense", "-nonsense=1")]
    [InlineData("-config needs a value", "-config")]
    [InlineData("unexpected argument 'dev'", "dev")]
    [InlineData("-dev-listen-address must be IP:PORT", "-dev-listen-address=example.com:1")]
    [InlineData("-dev-listen-address must be IP:PORT", "-dev-listen-address=127.0.0.1:99999")]
    [InlineData("-dev is a switch", "-dev=maybe")]
    [InlineData("-dev-tls is not supported", "-dev-tls")]
    [InlineData("-log-level must be", "-log-level=loud")]
    [InlineData("-dev-root-token-id must be printable", "-dev-root-token-id=a b")]
    public void Mistakes_are_named(string expected, params string[] arguments)
    {
        var (line, problem) = CommandLine.Parse(arguments, _ => null);

        Assert.Null(line);
        Assert.StartsWith(expected, problem);
    }

    [Theory]
    [InlineData("0.0.0.0:8200")]
    [InlineData(":8200")]
    [InlineData("[::]:8200")]
    [InlineData("192.0.2.1:8200")]
    public void Development_mode_keeps_to_loopback_unless_told(string address)
    {
        var (refused, problems) = Settings.From(Good("-dev", $"-dev-listen-address={address}"));
        var (told, none) = Settings.From(Good("-dev", $"-dev-listen-address={address}", "-dev-allow-plaintext"));

        Assert.Null(refused);
        Assert.Contains("-dev-allow-plaintext", Assert.Single(problems));
        Assert.NotNull(told);
        Assert.Empty(none);
    }

    [Fact]
    public void Without_a_mode_it_says_what_to_do()
    {
        var (configuration, problems) = Settings.From(Good());

        Assert.Null(configuration);
        Assert.Contains("-dev", Assert.Single(problems));
    }

    private static CommandLine Good(params string[] arguments)
    {
        var (line, problem) = CommandLine.Parse(arguments, _ => null);
        Assert.Null(problem);
        return line!;
    }
}
