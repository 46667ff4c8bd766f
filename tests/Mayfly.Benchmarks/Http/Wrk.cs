using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Mayfly.Benchmarks.Http;

/// <summary>One run of wrk, the load generator.</summary>
/// <param name="PerSecond">Requests per second.</param>
/// <param name="P50">Median latency in milliseconds.</param>
/// <param name="P99">99th percentile in milliseconds.</param>
/// <param name="Requests">How many there were.</param>
/// <param name="Failures">Replies other than 2xx and 3xx, and broken connections.</param>
internal sealed partial record Wrk(double PerSecond, double P50, double P99, long Requests, long Failures)
{
    public const int Connections = 64;

    /// <param name="url">What to ask for.</param>
    /// <param name="seconds">How long.</param>
    /// <param name="script">Lua for wrk: method, headers, bodies.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Wrk> RunAsync(string url, int seconds, string script, CancellationToken cancellation)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, script, cancellation);
            var start = new ProcessStartInfo("wrk") { UseShellExecute = false, RedirectStandardOutput = true };
            foreach (var argument in new[] { "-t2", $"-c{Connections}", $"-d{seconds}s", "--latency", "-s", file, url })
            {
                start.ArgumentList.Add(argument);
            }

            using var process = Process.Start(start) ?? throw new InvalidOperationException("wrk does not start");
            var output = await process.StandardOutput.ReadToEndAsync(cancellation);
            await process.WaitForExitAsync(cancellation);
            return Parse(output);
        }
        finally
        {
            File.Delete(file);
        }
    }

    public static string Get(string token) => $"wrk.headers['X-Vault-Token'] = '{token}'\n";

    private static Wrk Parse(string output)
    {
        var errors =
            Number(output, NonSuccess())
            + SocketErrors()
                .Matches(output)
                .Sum(match => long.Parse(match.Groups["n"].Value, CultureInfo.InvariantCulture));
        return new Wrk(
            Number(output, PerSecondLine()),
            Milliseconds(output, "50%"),
            Milliseconds(output, "99%"),
            (long)Number(output, RequestsLine()),
            (long)errors
        );
    }

    private static double Number(string output, Regex pattern) =>
        pattern.Match(output) is { Success: true } match
            ? double.Parse(match.Groups["n"].Value, CultureInfo.InvariantCulture)
            : 0;

    private static double Milliseconds(string output, string percentile)
    {
        var match = Regex.Match(
            output,
            $@"{percentile}\s+(?<n>[\d.]+)(?<unit>us|ms|s)",
            RegexOptions.ExplicitCapture,
            TimeSpan.FromSeconds(1)
        );
        var value = match.Success ? double.Parse(match.Groups["n"].Value, CultureInfo.InvariantCulture) : 0;
        return match.Groups["unit"].Value switch
        {
            "us" => value / 1000,
            "s" => value * 1000,
            _ => value,
        };
    }

    [GeneratedRegex(@"Requests/sec:\s+(?<n>[\d.]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PerSecondLine();

    [GeneratedRegex(@"(?<n>\d+) requests in", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RequestsLine();

    [GeneratedRegex(@"Non-2xx or 3xx responses: (?<n>\d+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NonSuccess();

    [GeneratedRegex(@"(?:connect|read|write|timeout) (?<n>\d+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SocketErrors();
}
