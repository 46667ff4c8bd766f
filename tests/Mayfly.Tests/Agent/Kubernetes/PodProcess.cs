using System.Diagnostics;
using System.Runtime.InteropServices;
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

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private PodProcess(Process process) => _process = process;

    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

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
        var start = new ProcessStartInfo("unshare")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in new[] { "-m", "--propagation", "private", "sh", "-c", script.ToString(), "sh" })
        {
            start.ArgumentList.Add(argument);
        }

        Assert.Equal(["mayfly"], Review.Texts(container["command"]));
        start.ArgumentList.Add(ServerProcess.Program("mayfly"));
        foreach (var argument in Review.Texts(container["args"]))
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var name in start.Environment.Keys.Where(IsOurs).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var variable in container["env"]!.AsArray().Where(variable => variable!["value"] is not null))
        {
            start.Environment[variable!["name"]!.GetValue<string>()] = variable["value"]!.GetValue<string>();
        }

        start.Environment["TEST_TOKEN"] = token;
        var process = new Process { StartInfo = start };
        var pod = new PodProcess(process);
        process.OutputDataReceived += (_, line) => pod.Hear(line.Data);
        process.ErrorDataReceived += (_, line) => pod.Hear(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return pod;
    }

    public async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        return _process.ExitCode;
    }

    public Task<int> StopAsync()
    {
        _ = Kill(_process.Id, 15);
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

        foreach (var (name, value) in _process.StartInfo.Environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        output += await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        return (process.ExitCode, output);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
        }

        _process.Dispose();
    }

    private void Hear(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }
    }

    private static bool IsOurs(string variable) =>
        variable.StartsWith("MAYFLY_", StringComparison.Ordinal)
        || variable.StartsWith("VAULT_", StringComparison.Ordinal);

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
