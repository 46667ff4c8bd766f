using System.Diagnostics;
using System.Text.Json.Nodes;
using Mayfly.Agent.Kubernetes.Tls;
using Mayfly.Tests.Cli;

namespace Mayfly.Tests.Agent.Kubernetes;

/// <summary><c>mayfly injector</c>, as a deployment runs it.</summary>
public sealed class InjectorProgramTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task It_answers_until_it_is_told_to_end()
    {
        var set = OwnAuthority.Make(["127.0.0.1"], TimeProvider.System.GetUtcNow(), before: null);
        await File.WriteAllTextAsync(_folder.File("tls.crt"), set.Certificate, Cancellation);
        await File.WriteAllTextAsync(_folder.File("tls.key"), set.Key, Cancellation);
        var start = new ProcessStartInfo(ServerProcess.Program("mayfly"))
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            ArgumentList =
            {
                "injector",
                "-listen=127.0.0.1:0",
                $"-tls-key-file={_folder.File("tls.key")}",
                "-mayfly-addr=http://mayfly:8200",
            },
        };
        // As Vault's injector is told.
        start.Environment["AGENT_INJECT_TLS_CERT_FILE"] = _folder.File("tls.crt");
        using var process = Process.Start(start)!;
        try
        {
            string? line;
            do
            {
                line = await process
                    .StandardError.ReadLineAsync(Cancellation)
                    .AsTask()
                    .WaitAsync(Patience, Cancellation);
                Assert.NotNull(line);
            } while (!line.Contains("Listening at https://", StringComparison.Ordinal));

            var address = line[line.IndexOf("https://", StringComparison.Ordinal)..].Trim();
            using var client = InjectorTests.Client(address, set);
            using var content = new ByteArrayContent(
                Review.Document(Review.Ours(("agent-inject-secret-a", "secret/data/a")))
            );
            content.Headers.ContentType = new("application/json");
            using var answer = await client.PostAsync(new Uri("mutate", UriKind.Relative), content, Cancellation);
            var review = JsonNode.Parse(await answer.Content.ReadAsStringAsync(Cancellation))!;
            Assert.NotNull(review["response"]!["patch"]);

            HeardProcess.Signal(process.Id, 15);
            await process.WaitForExitAsync(Cancellation).WaitAsync(Patience, Cancellation);
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
                await process.WaitForExitAsync(CancellationToken.None);
            }
        }
    }

    [Fact]
    public async Task A_pod_can_be_looked_at_without_a_cluster()
    {
        using var line = new CommandLine();
        var deployment = new JsonObject
        {
            ["kind"] = "Deployment",
            ["spec"] = new JsonObject
            {
                ["template"] = Review.Ours(("agent-inject-secret-a", "secret/data/a"), ("agent-inject-x", "1")),
            },
        };
        var result = await line.RunAsync(
            ["injector", "-mayfly-addr=http://mayfly:8200", "-pod=-"],
            deployment.ToJsonString()
        );
        var pod = JsonNode.Parse(result.Succeeded())!.AsObject();
        Assert.Equal(["mayfly-agent"], Review.Names(pod["spec"]!["initContainers"]));
        Assert.Contains("agent-inject-x", result.Error, StringComparison.Ordinal);

        var refused = await line.RunAsync(["injector", "-pod=-"], deployment.ToJsonString());
        Assert.Equal(1, refused.Code);
        Assert.Contains("no server", refused.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await line.RunAsync(["injector", "-pod=-"], "{}")).Code);
    }

    [Theory]
    [InlineData("-cpu-limit=much", "-cpu-limit")]
    [InlineData("-run-as-user=root", "-run-as-user")]
    [InlineData("-native-sidecars=perhaps", "own or all or none")]
    [InlineData("-on-invalid=ignore", "refuse or admit")]
    [InlineData("-log-level=loud", "-log-level")]
    [InlineData("-log-format=xml", "-log-format")]
    [InlineData("-default-template=yaml", "map or json")]
    [InlineData("-listen=nowhere", "-listen")]
    [InlineData("-listen=:0", "-tls-cert-file")]
    public async Task Wrong_options_are_told(string option, string why)
    {
        using var line = new CommandLine();
        var result = await line.RunAsync("injector", option);
        Assert.Equal(1, result.Code);
        Assert.Contains(why, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_that_is_given_no_configuration_by_its_variable_says_so()
    {
        using var line = new CommandLine();
        var unset = await line.RunAsync("agent", "-config=env:MAYFLY_TEST_NOT_SET");
        Assert.Equal(1, unset.Code);
        Assert.Contains("env:MAYFLY_TEST_NOT_SET: the variable is not set", unset.Error, StringComparison.Ordinal);
        Environment.SetEnvironmentVariable("MAYFLY_TEST_BROKEN", "{ auto_auth");
        var broken = await line.RunAsync("agent", "-config=env:MAYFLY_TEST_BROKEN");
        Assert.Equal(1, broken.Code);
        Assert.Contains("in base64", broken.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("auto_auth", broken.Error, StringComparison.Ordinal);
    }
}
