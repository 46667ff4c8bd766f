using System.Text.Json;
using Mayfly.Core.Engines.Kv;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Tests.Engines.Kv;

/// <summary>A versioned mount, and short names for what tests do with it.</summary>
public abstract class VersionedKvTestBase
{
    protected static readonly IReadOnlyDictionary<string, string> Version2 = new Dictionary<string, string>(
        StringComparer.Ordinal
    )
    {
        ["version"] = "2",
    };

    protected static Task<EngineHarness> StartAsync() => EngineHarness.StartAsync(KvTypes.Kv, Version2);
}

internal static class KvCalls
{
    public static Task<Outcome> WriteAsync(this EngineHarness kv, string path, string body) =>
        kv.HandleAsync(Operation.Update, $"data/{path}", body);

    public static Task<Outcome> ReadAsync(this EngineHarness kv, string path, long? version = null) =>
        kv.HandleAsync(
            Operation.Read,
            $"data/{path}",
            query: version is null
                ? null
                : new Dictionary<string, string>(StringComparer.Ordinal) { ["version"] = $"{version}" }
        );

    public static Task<Outcome> PatchAsync(this EngineHarness kv, string path, string body) =>
        kv.HandleAsync(Operation.Patch, path, body, contentType: "application/merge-patch+json");

    public static async Task<JsonElement> MetadataAsync(this EngineHarness kv, string path) =>
        (await kv.HandleAsync(Operation.Read, $"metadata/{path}")).Data();

    /// <summary>How many secrets and versions are stored; the settings do not count.</summary>
    public static async Task<long> CountRecordsAsync(this EngineHarness kv)
    {
        var cancellation = TestContext.Current.CancellationToken;
        return await kv.Store.CountAsync(kv.View.KeyOf("key/"), cancellation)
            + await kv.Store.CountAsync(kv.View.KeyOf("version/"), cancellation);
    }
}
