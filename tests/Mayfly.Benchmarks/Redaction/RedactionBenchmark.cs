using System.Buffers;
using System.Diagnostics;
using System.Security.Cryptography;
using Mayfly.Client.Redaction;

namespace Mayfly.Benchmarks.Redaction;

/// <summary>
/// A line of a log without secrets, looked through for many, beside <see cref="SearchValues{T}"/> with the same secrets in their plain
/// form alone. Sides take turns, and the better of three counts.
/// </summary>
internal static class RedactionBenchmark
{
    private const int Turns = 3;
    private const int Reads = 20_000;

    private const string Line =
        "Request finished HTTP/1.1 GET http://127.0.0.1:8080/orders/17 responded 200 in 12.31 ms, trace 4bf92f3577b34da6a3ce929d";

    private const string Escaped =
        "POST /orders?name=a%20b {\\\"id\\\":\\\"17\\\",\\\"note\\\":\\\"one &amp; two\\\"}\n   at Orders.Api.Run(Object state)";

    public static Task<IReadOnlyList<Figure>> MainAsync(CancellationToken cancellation) =>
        Task.Run<IReadOnlyList<Figure>>(Run, cancellation);

    private static List<Figure> Run()
    {
        var figures = new List<Figure>();
        foreach (var count in new[] { 1, 100, 10_000 })
        {
            var secrets = Enumerable
                .Range(0, count)
                .Select(_ => Convert.ToBase64String(RandomNumberGenerator.GetBytes(18)))
                .ToArray();
            var registry = new SecretRegistry();
            foreach (var secret in secrets)
            {
                registry.Add(secret);
            }

            var redactor = new Redactor(registry);
            var plain = SearchValues.Create(secrets, StringComparison.Ordinal);
            var (line, escaped, search) = (double.MaxValue, double.MaxValue, double.MaxValue);
            for (var turn = 0; turn < Turns; turn++)
            {
                line = Math.Min(line, Nanoseconds(() => redactor.FindsSecretIn(Line)));
                search = Math.Min(search, Nanoseconds(() => Line.AsSpan().ContainsAny(plain)));
                escaped = Math.Min(escaped, Nanoseconds(() => redactor.FindsSecretIn(Escaped)));
            }

            figures.Add(new Figure($"redaction.line.{count}", line, "ns"));
            figures.Add(new Figure($"redaction.escaped.{count}", escaped, "ns"));
            figures.Add(new Figure($"redaction.line.{count}.of.search", line / search, "ratio"));
        }

        return figures;
    }

    private static double Nanoseconds(Func<bool> look)
    {
        var begun = Stopwatch.GetTimestamp();
        for (var i = 0; i < Reads; i++)
        {
            if (look())
            {
                throw new InvalidOperationException("there is no secret in it");
            }
        }

        return Stopwatch.GetElapsedTime(begun).TotalNanoseconds / Reads;
    }
}
