using Mayfly.Core.Policy;

namespace Mayfly.Core.Events;

/// <summary>Says what the subscriber's token allows at this moment, or why it allows nothing more.</summary>
internal delegate ValueTask<(Acl? Acl, SubscriptionEnd End)> Admission(CancellationToken cancellation);

/// <summary>What somebody subscribes to. Immutable.</summary>
/// <param name="Owner">Names the token, for the limit of subscriptions that each may have.</param>
/// <param name="Types">The types of events.</param>
/// <param name="Filter">Which of these, or null for all.</param>
/// <param name="LastEventId">The last event that was seen, to go on after it; null to begin now.</param>
/// <param name="Admit">Looks at the token again.</param>
internal sealed record SubscriptionRequest(
    string Owner,
    TypePattern Types,
    EventFilter? Filter,
    string? LastEventId,
    Admission Admit
)
{
    public bool IsOfType(ChangeEvent change) => Types.Matches(change.Type);
}
