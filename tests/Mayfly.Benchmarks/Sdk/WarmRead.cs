using System.Collections.Concurrent;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Benchmarks.Sdk;

/// <summary>Reading a secret that is there, beside looking a string up among a thousand. By BenchmarkDotNet.</summary>
[MemoryDiagnoser]
#pragma warning disable CA1001 // BenchmarkDotNet calls what is marked as the clean-up.
public class WarmRead
#pragma warning restore CA1001
{
    private const string Name = "secret/data/team/app";

    private readonly ConcurrentDictionary<string, string> _dictionary = new(StringComparer.Ordinal);
    private LiveSecrets _secrets = null!;
    private LiveSecret _secret = null!;

    [GlobalSetup]
    public void SetUp()
    {
        var source = new MockSecretSource();
        source.Set(Name, [new("username", "app"), new("password", "hunter2")]);
        _secrets = new LiveSecrets(source);
        _secret = _secrets.Get(Name);
        // What BenchmarkDotNet emits into this process does not await a setup.
        _secret.GetAsync().AsTask().GetAwaiter().GetResult();
        for (var i = 0; i < 1_000; i++)
        {
            _dictionary[$"secret/data/team/{i}"] = "hunter2";
        }

        _dictionary[Name] = "hunter2";
    }

    [GlobalCleanup]
    public void CleanUp() => _secrets.Dispose();

    /// <summary>What it is compared with.</summary>
    [Benchmark(Baseline = true)]
    public string Dictionary() => _dictionary[Name];

    /// <summary>The value of a handle.</summary>
    [Benchmark]
    public SecretValue Current() => _secret.Current;

    /// <summary>A field of the value of a handle.</summary>
    [Benchmark]
    public string Field() => _secret.Current["password"];

    /// <summary>The same without a handle.</summary>
    [Benchmark]
    public string FieldByName() => _secrets.Get(Name).Current["password"];

    /// <summary>Nanoseconds and bytes of each of them.</summary>
    internal static IReadOnlyList<Figure> Measure()
    {
        var log = new AccumulationLogger();
        var configuration = ManualConfig
            .CreateEmpty()
            .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddLogger(log)
            .WithArtifactsPath(Directory.CreateTempSubdirectory("mayfly-bench-").FullName);
        try
        {
            var summary = BenchmarkRunner.Run<WarmRead>(configuration);
            var measured = summary.Reports.ToDictionary(
                report => report.BenchmarkCase.Descriptor.WorkloadMethod.Name,
                report =>
                    (
                        Nanoseconds: report.ResultStatistics?.Mean
                            ?? throw new InvalidOperationException("BenchmarkDotNet measured nothing: " + log.GetLog()),
                        Bytes: report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? -1
                    ),
                StringComparer.Ordinal
            );
            return
            [
                new("sdk.read.current (goal < 20)", measured[nameof(Current)].Nanoseconds, "ns"),
                new("sdk.read.current.bytes (goal 0)", measured[nameof(Current)].Bytes, "bytes allocated"),
                new("sdk.read.field", measured[nameof(Field)].Nanoseconds, "ns"),
                new("sdk.read.field.bytes (goal 0)", measured[nameof(Field)].Bytes, "bytes allocated"),
                new("sdk.read.by-name", measured[nameof(FieldByName)].Nanoseconds, "ns"),
                new("sdk.read.by-name.bytes (goal 0)", measured[nameof(FieldByName)].Bytes, "bytes allocated"),
                new("sdk.read.dictionary", measured[nameof(Dictionary)].Nanoseconds, "ns, a ConcurrentDictionary"),
                new(
                    "sdk.read.current / dictionary",
                    measured[nameof(Current)].Nanoseconds / measured[nameof(Dictionary)].Nanoseconds,
                    "ratio"
                ),
            ];
        }
        finally
        {
            Directory.Delete(configuration.ArtifactsPath, recursive: true);
        }
    }
}
