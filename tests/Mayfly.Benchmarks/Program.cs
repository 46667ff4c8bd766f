using System.Globalization;
using System.Text.Json;
using Mayfly.Benchmarks;
using Mayfly.Benchmarks.Agent;
using Mayfly.Benchmarks.Audit;
using Mayfly.Benchmarks.Database;
using Mayfly.Benchmarks.Http;
using Mayfly.Benchmarks.Leases;
using Mayfly.Benchmarks.Redaction;
using Mayfly.Benchmarks.Rotation;
using Mayfly.Benchmarks.Scan;
using Mayfly.Benchmarks.Sdk;
using Mayfly.Benchmarks.Store;

if (args.FirstOrDefault() == BareServer.Verb)
{
    await BareServer.RunAsync(args[1..]);
    return 0;
}

// One line per benchmark: its name on the command line, and what runs it.
var benchmarks = new SortedDictionary<string, Func<CancellationToken, Task<IReadOnlyList<Figure>>>>(
    StringComparer.Ordinal
)
{
    ["agent"] = AgentBenchmark.MainAsync,
    ["audit"] = AuditBenchmark.MainAsync,
    ["database"] = DatabaseBenchmark.MainAsync,
    ["events"] = EventsBenchmark.MainAsync,
    ["expiry"] = ExpiryBenchmark.MainAsync,
    ["kv"] = KvBenchmark.MainAsync,
    ["leases"] = LeaseBenchmark.MainAsync,
    ["quota"] = QuotaBenchmark.MainAsync,
    ["redaction"] = RedactionBenchmark.MainAsync,
    ["rotation"] = RotationBenchmark.MainAsync,
    ["scan"] = ScanBenchmark.MainAsync,
    ["scan-quality"] = QualityBenchmark.MainAsync,
    ["sdk"] = SdkBenchmark.MainAsync,
    ["start"] = StartBenchmark.MainAsync,
    ["store"] = StoreBenchmark.MainAsync,
};

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, press) =>
{
    press.Cancel = true;
    stop.Cancel();
};

var jsonAt = Array.IndexOf(args, "--json");
var jsonFile = jsonAt >= 0 && jsonAt + 1 < args.Length ? args[jsonAt + 1] : null;
var names = args.Where((_, index) => jsonAt < 0 || (index != jsonAt && index != jsonAt + 1)).ToList();
if (names.Find(name => !benchmarks.ContainsKey(name)) is { } unknown || (jsonAt >= 0 && jsonFile is null))
{
    await Console.Error.WriteLineAsync($"usage: [{string.Join(" | ", benchmarks.Keys)}] ... [--json FILE]");
    return 2;
}

var figures = new List<Figure>();
foreach (var name in names.Count == 0 ? [.. benchmarks.Keys] : names)
{
    foreach (var figure in await benchmarks[name](stop.Token))
    {
        var value = figure.Value.ToString(figure.Value < 100 ? "N2" : "N0", CultureInfo.InvariantCulture);
        Console.WriteLine($"{figure.Name, -40} {value, 14} {figure.Unit}");
        figures.Add(figure);
    }
}

if (jsonFile is not null)
{
    await File.WriteAllTextAsync(jsonFile, JsonSerializer.Serialize(figures, JsonSerializerOptions.Web), stop.Token);
}

return 0;
