using System.Text;
using System.Text.Json;
using Mayfly.Core.Events;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Events;

/// <summary>Subscribes to a whole vault in this process, as a dialect does.</summary>
internal static class SubscribedVault
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<Outcome> AskAsync(
        this TestVault vault,
        string type,
        string? token = null,
        StreamKind stream = StreamKind.ServerSentEvents,
        params (string Name, string Value)[] query
    )
    {
        using var request = new Request
        {
            Id = "1",
            Operation = Operation.Read,
            Path = "sys/events/subscribe/" + type,
            Token = token ?? vault.RootToken,
            Stream = stream,
            Query = query.ToDictionary(pair => pair.Name, pair => pair.Value, StringComparer.Ordinal),
        };
        return await vault.Vault.HandleAsync(request, Cancellation);
    }

    public static async Task<Subscription> SubscribeAsync(this TestVault vault, string type, string? token = null)
    {
        var outcome = await vault.AskAsync(type, token);
        Assert.True(outcome.Succeeded, outcome.Fault is { } fault ? string.Join("; ", fault.Messages) : "");
        return outcome.Response!.Subscription!;
    }

    /// <summary>What is there to read now, until the mark that this writes itself comes by.</summary>
    public static async Task<IReadOnlyList<ChangeEvent>> DrainAsync(this TestVault vault, Subscription subscription)
    {
        var mark = Guid.NewGuid().ToString();
        await vault.DataAsync(Operation.Update, $"marks/{mark}", """{"k":"v"}""");
        var seen = new List<ChangeEvent>();
        while (true)
        {
            var batch = await subscription.ReadAsync(Cancellation);
            Assert.Equal(SubscriptionEnd.None, batch.End);
            foreach (var change in batch.Events)
            {
                if (change.DataPath == $"marks/{mark}")
                {
                    return seen;
                }

                seen.Add(change);
            }
        }
    }

    public static JsonElement Metadata(this ChangeEvent change) =>
        JsonDocument.Parse(change.Json).RootElement.GetProperty("data").GetProperty("event").GetProperty("metadata");

    public static string Text(this ChangeEvent change) => Encoding.UTF8.GetString(change.Json.Span);
}
