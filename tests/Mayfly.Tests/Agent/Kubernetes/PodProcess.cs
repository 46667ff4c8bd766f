using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;

namespace Mayfly.Tests.Agent.Kubernetes;

/// <summary>
/// A container of an injected pod, run as a kubelet would: its command, arguments and environment, and its folders in a mount
/// namespace of its own, so that the paths of the patch are the real ones and nothing of them stays.
/// </summary>
internal sealed class PodProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly HeardProcess _process;

    private PodProcess(HeardProcess process) => _process = process;

    public string Output => _process.Output;

    public bool HasEnded => _process.HasExited;

    /// <param name="container">From the patched pod.</param>
    /// <param name="token">The service account's token, where the container has a volume for one.</param>
    /// <param name="last">What the shell does after the container has ended.</param>
    public static PodProcess Start(JsonObject container, string token, string last = "")
    {
        var script = new StringBuilder("set -e\n");
        // A file system in memory over each folder that the paths begin with; the host's stay as they are.
        script.Append("for at in /home /run /mnt; do mount -t tmpfs tmpfs $at; done\n");
        foreach (var mount in container["volumeMounts"]!.AsArray())
        {
            var path = mount!["mountPath"]!.GetValue<string>();
            script.Append($"mkdir -p '{path}'\n");
            if (mount["name"]!.GetValue<string>().EndsWith("agent-token", StringComparison.Ordinal))
            {
                script.Append($"printf %s \"$TEST_TOKEN\" > '{path}/token'\n");
            }
        }

        script.Append("unset TEST_TOKEN\n\"$@\" &\nchild=$!\ntrap 'kill -TERM $child' TERM\n");
        script.Append(
            "set +e\nwait $child; code=$?\nwhile kill -0 $child 2>/dev/null; do wait $child; code=$?; done\n"
        );
        script.Append(last).Append("\nexit $code\n");
        Assert.Equal(["mayfly"], Review.Texts(container["command"]));
        var environment = container["env"]!
            .AsArray()
            .Where(variable => variable!["value"] is not null)
            .Select(variable => (variable!["name"]!.GetValue<string>(), variable["value"]!.GetValue<string>()));
        return new PodProcess(
            HeardProcess.Start(
                "unshare",
                [
                    "-m",
                    "--propagation",
                    "private",
                    "sh",
                    "-c",
                    script.ToString(),
                    "sh",
                    ServerProcess.Program("mayfly"),
                    .. Review.Texts(container["args"]),
                ],
                [.. environment, ("TEST_TOKEN", token)]
            )
        );
    }

    public Task<int> EndAsync() => _process.EndedAsync();

    public Task<int> StopAsync()
    {
        _process.Signal(HeardProcess.Terminate);
        return EndAsync();
    }

    /// <summary>Runs a command in the container, as probes and hooks run.</summary>
    public async Task<(int Code, string Output)> ExecAsync(params IEnumerable<string> command)
    {
        var start = new ProcessStartInfo("nsenter")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in (IEnumerable<string>)["-t", $"{_process.Id}", "-m", .. command])
        {
            // The image has it on its path.
            start.ArgumentList.Add(argument == "mayfly" ? ServerProcess.Program("mayfly") : argument);
        }

        foreach (var (name, value) in _process.Environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        output += await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        return (process.ExitCode, output);
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
