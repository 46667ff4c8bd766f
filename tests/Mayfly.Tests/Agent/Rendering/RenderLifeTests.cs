using System.Text.Json;
using Mayfly.Agent.Configuration;
using Mayfly.Client;
using Mayfly.Tests.Client;

namespace Mayfly.Tests.Agent.Rendering;

/// <summary>What has an end, and no lease that could be renewed: tokens, certificates, answers that name a time.</summary>
public sealed class RenderLifeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0.9, 45, 55)]
    [InlineData(0.5, 25, 31)]
    public async Task What_cannot_be_renewed_is_replaced_at_the_threshold_of_its_life(
        double threshold,
        int before,
        int after
    )
    {
        await using var server = await ServerProcess.StartDevAsync();
        using var client = AgentServer.RootOf(server.Address);
        var time = new ManualTime();
        await using var run = RenderRun.Start(
            client,
            run =>
                [
                    run.Stanza(
                        "token",
                        "{{ with secret \"auth/token/create\" \"ttl=1h\" }}{{ .Auth.ClientToken }}{{ end }}"
                    ),
                ],
            new TemplateSettings { LeaseRenewalThreshold = threshold },
            time
        );
        await run.UntilAsync(() => run.Read("token").Length > 10, () => "there is no token");
        var token = run.Read("token");
        var executions = run.Renderer.Tasks[0].Executions;

        time.Leap(TimeSpan.FromMinutes(before));
        await Task.Delay(200, Cancellation);
        Assert.Equal(executions, run.Renderer.Tasks[0].Executions);

        time.Leap(TimeSpan.FromMinutes(after - before));
        await run.UntilAsync(() => run.Read("token") != token, () => "it is not replaced");
    }

    [Theory]
    [InlineData("1893456000000")]
    [InlineData("9223372036854775807")]
    [InlineData("-1")]
    [InlineData("0")]
    [InlineData("1.5e300")]
    public async Task An_answer_that_ends_at_a_time_which_is_none_is_rendered(string expiration)
    {
        await using var server = await RecordingServer.StartAsync();
        server.On(
            "PUT /v1/pki/issue/app",
            200,
            $$$"""{"data":{"certificate":"cert","expiration":{{{expiration}}}},"lease_duration":1e300}"""
        );
        server.On("GET /v1/sys/internal/ui/mounts/pki/issue/app", 404, """{"errors":[]}""");
        using var client = new MayflyClient(
            new MayflyClientOptions
            {
                Address = server.Address,
                Token = "t",
                MaxRetries = 0,
            }
        );
        await using var run = RenderRun.Start(
            client,
            run => [run.Stanza("out", "{{ with secret \"pki/issue/app\" \"ttl=1h\" }}{{ .Data.certificate }}{{ end }}")]
        );

        await run.ShowsAsync("out", "cert");
        Assert.DoesNotContain("failed with", run.Log, StringComparison.Ordinal);
    }
}
