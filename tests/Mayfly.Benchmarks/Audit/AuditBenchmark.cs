using System.Diagnostics;
using System.Text;
using Mayfly.Core.Audit;
using Mayfly.Core.Engines;
using Mayfly.Core.Identity;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Crypto;
using Microsoft.Extensions.Logging.Abstractions;
using Barrier = Mayfly.Core.Storage.Barrier;

namespace Mayfly.Benchmarks.Audit;

/// <summary>What the audit of one request costs: 64 callers, each with a KV read whose reply is 1 KiB.</summary>
internal static class AuditBenchmark
{
    private const int Callers = 64;
    private const int PerCaller = 8_000;

    private static readonly Mount Mount = new()
    {
        Uuid = "11111111-2222-3333-4444-555555555555",
        Kind = EngineKind.Secrets,
        Path = "secret/",
        Type = "kv",
        Accessor = "kv_1a2b3c4d",
    };

    private static readonly byte[] Reply = Encoding.UTF8.GetBytes(
        "{\"data\":{\"value\":\""
            + new string('x', 1024)
            + "\"},\"metadata\":{\"created_time\":\"2026-01-01T00:00:00.123456789Z\",\"custom_metadata\":null,"
            + "\"deletion_time\":\"\",\"destroyed\":false,\"version\":7}}"
    );

    public static async Task<IReadOnlyList<Figure>> MainAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-bench-").FullName;
        try
        {
            var figures = new List<Figure>();
            foreach (var devices in (int[])[0, 1, 2])
            {
                cancellation.ThrowIfCancellationRequested();
                figures.AddRange(await MeasureAsync(folder, devices));
            }

            return figures;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<IReadOnlyList<Figure>> MeasureAsync(string folder, int devices)
    {
        await using var store = new MemoryStore();
        using var keyring = Keyring.Generate();
        var view = new View(new Barrier(store, keyring), StoreKey.Root.Append("audit"));
        await using var broker = await AuditBroker.StartAsync(
            view,
            keyring.DeriveKey,
            TimeProvider.System,
            NullLogger.Instance,
            CancellationToken.None
        );
        for (var i = 0; i < devices; i++)
        {
            var record = new AuditDeviceRecord
            {
                Uuid = Guid.NewGuid().ToString(),
                Path = $"file{i}/",
                Type = "file",
                Options = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["file_path"] = Path.Combine(folder, $"{devices}-{i}.log"),
                },
            };
            if (await broker.EnableAsync(record, CancellationToken.None) is { } fault)
            {
                throw new InvalidOperationException(fault.Messages[0]);
            }
        }

        await RunCallersAsync(broker, PerCaller / 4);
        var (rate, cost, allocated) = (0.0, double.MaxValue, 0.0);
        for (var round = 0; round < 3; round++)
        {
            var bytes = GC.GetTotalAllocatedBytes();
            var cpu = Environment.CpuUsage.TotalTime;
            var clock = Stopwatch.StartNew();
            await RunCallersAsync(broker, PerCaller);
            const double Total = Callers * PerCaller;
            var spent = (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / Total;
            if (spent < cost)
            {
                (rate, cost) = (Total / clock.Elapsed.TotalSeconds, spent);
                allocated = (GC.GetTotalAllocatedBytes() - bytes) / Total;
            }
        }

        return
        [
            new($"audit.{devices}.rate", rate, "requests/s"),
            new($"audit.{devices}.cpu", cost, "µs per request"),
            new($"audit.{devices}.allocated", allocated, "bytes per request"),
        ];
    }

    private static Task RunCallersAsync(AuditBroker broker, int requests) =>
        Task.WhenAll(
            Enumerable.Range(0, Callers).Select(number => Task.Run(() => CallAsync(broker, number, requests)))
        );

    private static async Task CallAsync(AuditBroker broker, int number, int requests)
    {
        var caller = new Caller(
            new TokenEntry
            {
                Accessor = $"accessor-{number}",
                Type = TokenType.Service,
                Policies = ["default", "reader"],
                Path = "auth/token/create",
                DisplayName = "token",
                CreatedAt = DateTimeOffset.UnixEpoch,
            },
            Acl.Root
        );
        using var request = new Request
        {
            Id = Guid.NewGuid().ToString(),
            Operation = Operation.Read,
            Path = "secret/data/team/app",
            Token = $"hvs.{number:D24}",
            RemotePort = 4711,
        };
        var decision = new AclDecision(true, false, ["reader"]);
        var response = new Response(Reply);
        for (var i = 0; i < requests; i++)
        {
            var ticket = broker.Begin(new AuditSubject(request, Mount, caller, decision));
            if (await ticket.RecordResponseAsync(response) is not null)
            {
                throw new InvalidOperationException("refused");
            }

            if (!broker.Enabled)
            {
                await Task.Yield();
            }
        }
    }
}
