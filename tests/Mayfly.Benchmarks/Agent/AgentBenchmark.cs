using System.Diagnostics;
using Mayfly.Benchmarks.Http;

namespace Mayfly.Benchmarks.Agent;

/// <summary>
/// <c>mayfly agent</c> in a process of its own: from its start to the first rendered template, cached reads through its listener
/// beside a bare Kestrel endpoint that answers the same bytes, and its memory before and after as many refreshes as ten secrets
/// have in a day.
/// </summary>
internal static class AgentBenchmark
{
    private const int Rounds = 5;
    private const int Starts = 21;
    private const int Seconds = 3;
    private const int Secrets = 10;

    // Every five minutes.
    private const int RefreshesOfADay = 288;

    public static async Task<IReadOnlyList<Figure>> MainAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-bench-").FullName;
        try
        {
            var figures = new List<Figure>();
            await using var vault = await MeasuredVault.StartAsync(
                Path.Combine(folder, "v"),
                audit: false,
                tls: null,
                cancellation
            );
            using var http = Child.Http();
            await WriteAsync(vault, http, 0, cancellation);
            await File.WriteAllTextAsync(Path.Combine(folder, "token"), vault.RootToken, cancellation);
            await FirstTemplateAsync(folder, vault, figures, cancellation);

            var port = Child.FreePort();
            var file = await ConfigureAsync(folder, vault, port, cancellation);
            await using var agent = await Child.StartAsync(
                Program,
                ["agent", $"-config={file}"],
                $"http://127.0.0.1:{port}",
                "/agent/v1/metrics",
                cancellation
            );
            await UntilAsync(Path.Combine(folder, "out"), 0, cancellation);
            figures.Add(new("agent.memory.idle", agent.ResidentMebibytes, "MiB"));
            await RefreshAsync(folder, vault, http, agent, figures, cancellation);
            await ReadsAsync(folder, vault, agent, figures, cancellation);
            return figures;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // As it is shipped: bench.sh publishes it.
    private static string Program =>
        Path.Combine(Path.GetDirectoryName(MeasuredVault.Program)!, "..", "dist", "mayfly");

    private static async Task FirstTemplateAsync(
        string folder,
        MeasuredVault vault,
        List<Figure> figures,
        CancellationToken cancellation
    )
    {
        var file = await ConfigureAsync(folder, vault, port: null, cancellation);
        var output = Path.Combine(folder, "out");
        var (times, processor) = (new List<double>(), new List<double>());
        for (var round = 0; round < Starts; round++)
        {
            File.Delete(output);
            var start = Stopwatch.GetTimestamp();
            using var process = Process.Start(
                new ProcessStartInfo(Program, ["agent", $"-config={file}"])
                {
                    UseShellExecute = false,
                    RedirectStandardError = true,
                }
            )!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            while (!File.Exists(output))
            {
                await Task.Delay(1, cancellation);
            }

            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            processor.Add(process.TotalProcessorTime.TotalMilliseconds);
            process.Kill();
            await process.WaitForExitAsync(cancellation);
        }

        figures.Add(new("agent.first-template (goal < 150)", times.Order().ElementAt(Starts / 2), "ms"));
        // On a machine that does other things, too, the best tells what a quiet one would.
        figures.Add(new("agent.first-template.best", times.Min(), "ms"));
        figures.Add(new("agent.first-template.processor-time", processor.Order().ElementAt(Starts / 2), "ms"));
    }

    private static async Task RefreshAsync(
        string folder,
        MeasuredVault vault,
        HttpClient http,
        Child agent,
        List<Figure> figures,
        CancellationToken cancellation
    )
    {
        var output = Path.Combine(folder, "out");
        for (var refresh = 1; refresh <= RefreshesOfADay; refresh++)
        {
            await WriteAsync(vault, http, refresh, cancellation);
            await UntilAsync(output, refresh, cancellation);
            if (refresh is RefreshesOfADay / 10 or RefreshesOfADay / 2 or RefreshesOfADay)
            {
                var part = refresh * 100 / RefreshesOfADay;
                figures.Add(new($"agent.memory.{part}%-of-a-day.meanwhile", agent.ResidentMebibytes, "MiB"));
                // In a day minutes lie between two refreshes, and not a tenth of a second.
                await Task.Delay(TimeSpan.FromSeconds(5), cancellation);
                figures.Add(new($"agent.memory.{part}%-of-a-day (goal < 60)", agent.ResidentMebibytes, "MiB"));
            }
        }

        figures.Add(new("agent.refreshes", Secrets * RefreshesOfADay, "secrets"));
    }

    private static async Task ReadsAsync(
        string folder,
        MeasuredVault vault,
        Child agent,
        List<Figure> figures,
        CancellationToken cancellation
    )
    {
        using var http = Child.Http();
        var url = agent.Address + MeasuredVault.SecretPath;
        var bytes = Path.Combine(folder, "reply.json");
        await File.WriteAllBytesAsync(bytes, await http.GetByteArrayAsync(new Uri(url), cancellation), cancellation);
        var port = Child.FreePort();
        await using var bare = await Child.StartAsync(
            Environment.ProcessPath!,
            [BareServer.Verb, $"{port}", bytes],
            $"http://127.0.0.1:{port}",
            "/",
            cancellation
        );
        var (cached, plain) = (new List<double>(), new List<double>());
        for (var round = -1; round < Rounds; round++)
        {
            var first = await Wrk.RunAsync(bare.Address, Seconds, "", cancellation);
            var second = await Wrk.RunAsync(url, Seconds, "", cancellation);
            if (first.Failures + second.Failures > 0)
            {
                throw new InvalidOperationException("requests failed");
            }

            // The first round warms up.
            if (round >= 0)
            {
                plain.Add(first.PerSecond);
                cached.Add(second.PerSecond);
            }
        }

        var (read, kestrel) = (cached.Order().ElementAt(Rounds / 2), plain.Order().ElementAt(Rounds / 2));
        figures.Add(new("agent.cached-read", read, "requests/s"));
        figures.Add(new("kestrel.bare", kestrel, "requests/s"));
        figures.Add(new("agent.cached-read / kestrel.bare (goal 0.5)", read / kestrel, "ratio"));
        figures.Add(new("agent.memory.after-load", agent.ResidentMebibytes, "MiB"));
        _ = vault;
    }

    private static async Task<string> ConfigureAsync(
        string folder,
        MeasuredVault vault,
        int? port,
        CancellationToken cancellation
    )
    {
        var contents = string.Concat(
            Enumerable
                .Range(0, Secrets)
                .Select(i => $$$"""{{ with secret \"secret/data/s{{{i}}}\" }}{{ .Data.data.value }} {{ end }}""")
        );
        var listener = port is null
            ? ""
            : $$"""
                cache { cache_static_secrets = true }
                api_proxy { use_auto_auth_token = true }
                listener "tcp" {
                  address = "127.0.0.1:{{port}}"
                  tls_disable = true
                }
                """;
        var file = Path.Combine(folder, "agent.hcl");
        await File.WriteAllTextAsync(
            file,
            $$"""
            vault { address = "{{vault.Address}}" }
            auto_auth { method "token_file" { config = { token_file_path = "{{folder}}/token" } } }
            template {
              contents = "{{contents}}"
              destination = "{{folder}}/out"
            }
            {{listener}}
            """,
            cancellation
        );
        return file;
    }

    private static async Task WriteAsync(
        MeasuredVault vault,
        HttpClient http,
        int refresh,
        CancellationToken cancellation
    )
    {
        for (var i = 0; i < Secrets; i++)
        {
            await vault.CallAsync(
                http,
                HttpMethod.Post,
                $"/v1/secret/data/s{i}",
                new { data = new { value = $"v{refresh}" } },
                cancellation
            );
        }
    }

    private static async Task UntilAsync(string output, int refresh, CancellationToken cancellation)
    {
        var wanted = string.Concat(Enumerable.Repeat($"v{refresh} ", Secrets));
        while (!File.Exists(output) || await File.ReadAllTextAsync(output, cancellation) != wanted)
        {
            await Task.Delay(2, cancellation);
        }
    }
}
