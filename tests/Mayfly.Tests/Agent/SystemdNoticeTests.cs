using System.Net.Sockets;
using System.Text;
using Mayfly.Agent;
using Mayfly.Agent.Processes;

namespace Mayfly.Tests.Agent;

/// <summary>What systemd is told of the agent: units that were made for Vault Agent wait for it.</summary>
public sealed class SystemdNoticeTests
{
    [Fact]
    public async Task Systemd_hears_of_the_start_before_the_server_answers_and_of_the_end()
    {
        using var folder = new AgentFolder();
        using var systemd = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        systemd.Bind(new UnixDomainSocketEndPoint(folder.At("notify")));
        var configuration = folder.Write(
            "agent.hcl",
            $$"""
            vault { address = "http://127.0.0.1:1" }
            auto_auth {
              method "token_file" { config = { token_file_path = "{{folder.At("none")}}" } }
              sink "file" { config = { path = "{{folder.At("sink")}}" } }
            }
            """
        );
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var agent = AgentProgram.RunAsync(
            new AgentArguments
            {
                Configurations = [configuration],
                Environment = name =>
                    name switch
                    {
                        SystemdNotice.Variable => folder.At("notify"),
                        "MAYFLY_LOG_FILE" => folder.At("log"),
                        _ => null,
                    },
            },
            TextWriter.Null,
            stop.Token
        );

        Assert.Equal(SystemdNotice.Ready, await HearAsync(systemd));

        await stop.CancelAsync();
        Assert.Equal(SystemdNotice.Stopping, await HearAsync(systemd));
        Assert.Equal(AgentProgram.Done, await agent);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("/no/such/socket")]
    [InlineData("@nobody-listens-at-this-name-of-mayfly")]
    public void Without_systemd_nothing_happens(string? address) =>
        Assert.False(SystemdNotice.Send(address, SystemdNotice.Ready));

    private static async Task<string> HearAsync(Socket socket)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        var bytes = new byte[100];
        return Encoding.UTF8.GetString(bytes, 0, await socket.ReceiveAsync(bytes, SocketFlags.None, limit.Token));
    }
}
