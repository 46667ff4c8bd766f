using System.Text;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Events;

internal sealed class EventsSubscribeCommand() : Command("subscribe", "Print events as they happen")
{
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromDays(40);

    private readonly TextFlag _filter = new(
        "filter",
        "Only events for which this holds: data_path == secret/data/app and operation != data-patch."
    );

    private readonly DurationFlag _timeout = new(
        "timeout",
        "End by itself after this long. Without it, Ctrl-C ends it."
    );

    private readonly TextFlag _last = new(
        "last-event-id",
        "Go on after the event of this id, as far as it is still kept."
    );

    public override string Usage => "[options] TYPE";

    public override string Details =>
        """
            Prints what changes, one JSON object per line, as far as the token may read it; values are never in it.
            TYPE may have * for any text. When the connection breaks it is made again, and nothing is missed that the
            server still has; otherwise an event of type mayfly/lost says so.
            $ mayfly events subscribe kv-v2/data-write
            $ mayfly events subscribe -filter='data_path matches "^secret/data/shop/"' 'kv*'
            $ mayfly events subscribe -timeout=1h '*'
            """;

    public override IReadOnlyList<Flag> Flags => [_filter, _timeout, _last];

    public override int Fewest => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation);
        if (_timeout.Span is { } limit)
        {
            over.CancelAfter(limit < LongestTimeout ? limit : LongestTimeout);
        }

        var options = new SubscriptionOptions { Filter = _filter.Value, LastEventId = _last.Value };
        try
        {
            await foreach (var change in call.Client.SubscribeAsync(call.Arguments[0], options, over.Token))
            {
                call.Session.Out.Write(Encoding.UTF8.GetString(change.Json.Span) + "\n");
                await call.Session.Out.FlushAsync(over.Token);
            }
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // As long as was asked for.
        }
        catch (MayflyApiException refusal)
        {
            call.Print.Error($"Error subscribing to {call.Arguments[0]}: {refusal.Message}");
            return Exit.Server;
        }

        return Exit.Ok;
    }
}
