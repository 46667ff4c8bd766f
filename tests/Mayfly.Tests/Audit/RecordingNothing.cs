using Mayfly.Core.Audit;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Crypto;
using Microsoft.Extensions.Logging.Abstractions;
using Barrier = Mayfly.Core.Storage.Barrier;

namespace Mayfly.Tests.Audit;

/// <summary>An audit without devices, for what cannot be without one.</summary>
internal static class RecordingNothing
{
    public static async Task<AuditBroker> StartAsync(TimeProvider time)
    {
        var keyring = Keyring.Generate();
        return await AuditBroker.StartAsync(
            new View(new Barrier(new MemoryStore(), keyring), StoreKey.Root.Append("audit")),
            keyring.DeriveKey,
            time,
            NullLogger.Instance,
            TestContext.Current.CancellationToken
        );
    }
}
