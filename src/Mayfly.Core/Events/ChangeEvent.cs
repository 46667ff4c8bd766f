namespace Mayfly.Core.Events;

/// <summary>
/// Something that has changed, for good: what happened, at which path, to which version. Never a value. Immutable.
/// </summary>
public sealed class ChangeEvent
{
    internal ChangeEvent(
        string id,
        string type,
        string operation,
        string mountPath,
        string dataPath,
        bool needsSudo,
        ReadOnlyMemory<byte> json
    )
    {
        Id = id;
        Type = type;
        Operation = operation;
        MountPath = mountPath;
        DataPath = dataPath;
        NeedsSudo = needsSudo;
        SubscriptionPath = EventBus.PathPrefix + type;
        Json = json;
    }

    /// <summary>Names it: a subscriber that comes back says which one it saw last.</summary>
    public string Id { get; }

    /// <summary>Such as <c>kv-v2/data-write</c>.</summary>
    public string Type { get; }

    /// <summary>One JSON object in UTF-8 on one line, as CloudEvents lays it out.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>Where it stands among all events; given when it is published.</summary>
    internal long Sequence { get; set; }

    /// <summary>The last part of the type.</summary>
    internal string Operation { get; }

    /// <summary>The mount that it comes from.</summary>
    internal string MountPath { get; }

    /// <summary>What a token must be able to read (whole path) for this event to be its business.</summary>
    internal string DataPath { get; }

    /// <summary>Reading that path takes the <c>sudo</c> capability.</summary>
    internal bool NeedsSudo { get; }

    /// <summary>The path of a subscription to exactly this type, which the policies may deny.</summary>
    internal string SubscriptionPath { get; }
}
