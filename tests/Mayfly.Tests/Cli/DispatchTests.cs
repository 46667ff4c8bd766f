using Mayfly.Cli.Commands;
using Mayfly.Cli.Dispatch;

namespace Mayfly.Tests.Cli;

public sealed class DispatchTests : IDisposable
{
    private readonly CommandLine _mayfly = new("http://127.0.0.1:1", "hvs.canary-of-the-cli");

    public void Dispose() => _mayfly.Dispose();

    public static TheoryData<string> EveryCommand() =>
        // "server" would turn this process into mayflyd.
        [.. Commands(new Root(), "").Where(static path => path != "server")];

    [Theory]
    [MemberData(nameof(EveryCommand))]
    public async Task Every_command_explains_itself_with_an_example(string path)
    {
        foreach (var flag in (string[])["-h", "-help", "--help"])
        {
            var help = (await _mayfly.RunAsync([.. path.Split(' '), flag])).Succeeded();
            Assert.StartsWith($"Usage: mayfly {path}", help, StringComparison.Ordinal);
        }

        if (path is not "version")
        {
            Assert.Contains(
                "\n      $ ",
                (await _mayfly.RunAsync([.. path.Split(' '), "-h"])).Output,
                StringComparison.Ordinal
            );
        }
    }

    [Theory]
    [InlineData("agent")]
    [InlineData("run")]
    public async Task What_shows_no_answers_has_no_flags_for_them(string command)
    {
        var help = (await _mayfly.RunAsync(command, "-help")).Succeeded();
        Assert.Contains("-address", help, StringComparison.Ordinal);
        Assert.DoesNotContain("\n  -format", help, StringComparison.Ordinal);
        Assert.DoesNotContain("-wrap-ttl", help, StringComparison.Ordinal);
        Assert.Equal(1, (await _mayfly.RunAsync(command, "-format=json", "x")).Code);
    }

    [Theory]
    [InlineData(127, "nosuch")]
    [InlineData(127, "kv", "nosuch")]
    [InlineData(127)]
    [InlineData(1, "kv")]
    [InlineData(1, "kv", "get")]
    [InlineData(1, "kv", "get", "a", "b")]
    [InlineData(1, "read", "-nosuch", "a")]
    [InlineData(1, "read", "-format=xml", "a")]
    [InlineData(1, "write", "a")]
    [InlineData(1, "write", "a", "b")]
    [InlineData(1, "kv", "put", "secret/a")]
    [InlineData(1, "policy", "write", "a", "/no/such/file")]
    [InlineData(1, "-address=nonsense", "read", "a")]
    [InlineData(1, "status")]
    [InlineData(2, "read", "a")]
    [InlineData(2, "kv", "get", "secret/a")]
    [InlineData(0, "-v")]
    [InlineData(0, "kv", "-h")]
    [InlineData(0, "-help")]
    public async Task Exit_codes_are_vaults(int code, params string[] words)
    {
        var result = await _mayfly.RunAsync(words);
        Assert.Equal(code, result.Code);
        Assert.DoesNotContain("canary", result.Output + result.Error, StringComparison.Ordinal);
        if (code != 0)
        {
            Assert.NotEmpty(result.Error);
        }
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_met_with_what_to_do()
    {
        var result = await _mayfly.RunAsync("kv", "get", "secret/a");
        Assert.Contains("mayfly server -dev", result.Error, StringComparison.Ordinal);
        Assert.Contains("MAYFLY_ADDR", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mistyped_command_is_guessed()
    {
        Assert.Contains("Did you mean \"mayfly kv\"?", (await _mayfly.RunAsync("kb")).Error, StringComparison.Ordinal);
        Assert.Contains(
            "Did you mean \"mayfly kv undelete\"?",
            (await _mayfly.RunAsync("kv", "undelte")).Error,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _mayfly mayfly")]
    [InlineData("zsh", "#compdef mayfly")]
    [InlineData("fish", "complete -c mayfly")]
    public async Task There_is_a_completion_script_for_each_shell(string shell, string part) =>
        Assert.Contains(part, (await _mayfly.RunAsync("completion", shell)).Succeeded(), StringComparison.Ordinal);

    [Fact]
    public async Task Completion_is_installed_once_and_taken_away_again()
    {
        var file = Path.Combine(_mayfly.Home, ".bashrc");
        await File.WriteAllTextAsync(file, "# mine\n", TestContext.Current.CancellationToken);
        await _mayfly.RunAsync("-autocomplete-install");
        await _mayfly.RunAsync("-autocomplete-install");
        Assert.Equal(
            "# mine\nsource <(mayfly completion bash) # mayfly completion\n",
            await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)
        );
        await _mayfly.RunAsync("-autocomplete-uninstall");
        Assert.Equal("# mine\n", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Colours_and_masking_are_for_terminals_only()
    {
        var plain = await _mayfly.RunAsync("nosuch");
        _mayfly.OutputIsTerminal = true;
        _mayfly["TERM"] = "xterm";
        var coloured = await _mayfly.RunAsync("nosuch");
        _mayfly["NO_COLOR"] = "1";
        var asked = await _mayfly.RunAsync("nosuch");

        Assert.DoesNotContain("\e[", plain.Error, StringComparison.Ordinal);
        Assert.StartsWith("\e[31m", coloured.Error, StringComparison.Ordinal);
        Assert.Equal(plain.Error, asked.Error);
    }

    [Theory]
    [InlineData(
        "path \"a\" {\ncapabilities=[\"read\",\"list\"] # why\n}\n",
        "path \"a\" {\n  capabilities = [\"read\",\"list\"] # why\n}\n"
    )]
    [InlineData("a = 1\nlonger=2\n", "a      = 1\nlonger = 2\n")]
    [InlineData("x {\n  y = [\n\"a=b\",\n]\n}\n", "x {\n  y = [\n    \"a=b\",\n  ]\n}\n")]
    public async Task A_policy_file_is_laid_out_and_a_second_time_stays(string before, string after)
    {
        var file = Path.Combine(_mayfly.Home, "p.hcl");
        await File.WriteAllTextAsync(file, before, TestContext.Current.CancellationToken);
        for (var i = 0; i < 2; i++)
        {
            (await _mayfly.RunAsync("policy", "fmt", file)).Succeeded();
            Assert.Equal(after, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        }
    }

    [Theory]
    [InlineData("path \"a\" {\n")]
    [InlineData("}\n")]
    [InlineData("a = \"x\n")]
    public async Task A_broken_policy_file_is_left_alone(string text)
    {
        var file = Path.Combine(_mayfly.Home, "p.hcl");
        await File.WriteAllTextAsync(file, text, TestContext.Current.CancellationToken);
        Assert.Equal(1, (await _mayfly.RunAsync("policy", "fmt", file)).Code);
        Assert.Equal(text, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
    }

    private static IEnumerable<string> Commands(Group group, string path)
    {
        foreach (var name in group.Names)
        {
            var full = path.Length == 0 ? name : $"{path} {name}";
            if (group.Find(name) is Group below)
            {
                if (below.Otherwise is not null)
                {
                    yield return full;
                }

                foreach (var command in Commands(below, full))
                {
                    yield return command;
                }
            }
            else
            {
                yield return full;
            }
        }
    }
}
