using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Mayfly.Benchmarks.Http;

/// <summary>A server process under measurement. Killed on disposal.</summary>
internal sealed class Child : IAsyncDisposable
{
    private readonly Process _process;

    private Child(Process process, string address)
    {
        _process = process;
        Address = address;
    }

    /// <summary>The URL that it answers under.</summary>
    public string Address { get; }

    /// <summary>Processor time that it has used, in microseconds.</summary>
    public double CpuMicroseconds
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime.TotalMicroseconds;
        }
    }

    /// <summary>Resident memory in MiB.</summary>
    public double ResidentMebibytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64 / 1048576.0;
        }
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Starts it, and waits until <paramref name="probe"/> (a path) gets any answer at all.</summary>
    public static async Task<Child> StartAsync(
        string program,
        IEnumerable<string> arguments,
        string address,
        string probe,
        CancellationToken cancellation
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_gcServer"] = "0";
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} does not start");
        process.OutputDataReceived += (_, _) => { };
        var errors = new System.Text.StringBuilder();
        process.ErrorDataReceived += (_, line) => errors.AppendLine(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var http = Http();
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                using var reply = await http.GetAsync(new Uri(address + probe), cancellation);
                return new Child(process, address);
            }
            catch (HttpRequestException) when (!process.HasExited && Stopwatch.GetElapsedTime(began).TotalSeconds < 60)
            {
                await Task.Delay(2, cancellation);
            }
            catch (HttpRequestException e)
            {
                throw new InvalidOperationException($"{program} does not answer: {errors}", e);
            }
        }
    }

    /// <summary>A client that trusts the benchmark's own certificate.</summary>
    public static HttpClient Http()
    {
        var handler = new SocketsHttpHandler();
#pragma warning disable CA5359 // The benchmark made the certificate itself, and talks to its own child.
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        return new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(30) };
    }

    /// <summary>Sends SIGTERM and waits, so that the server closes its store.</summary>
    public async Task StopAsync(CancellationToken cancellation)
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await _process.WaitForExitAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }
}
