using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Events;

internal sealed class EventsGroup() : Group("events", "Watch what changes")
{
    public override IReadOnlyList<string> Names => ["subscribe"];

    public override Node? Find(string name) => name == "subscribe" ? new EventsSubscribeCommand() : null;
}
