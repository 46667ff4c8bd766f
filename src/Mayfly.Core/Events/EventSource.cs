using Mayfly.Core.Mounts;

namespace Mayfly.Core.Events;

/// <summary>
/// What a mount says its changes through. Publish only what is durable: what has been said cannot be taken back. Cheap when
/// nobody listens, if <see cref="IsHeard"/> is asked first. Safe for concurrent use.
/// </summary>
public sealed class EventSource
{
    private readonly EventBus? _bus;
    private readonly Mount? _mount;
    private readonly bool _sudo;

    internal EventSource(EventBus? bus, Mount? mount, bool sudo = false)
    {
        _bus = bus;
        _mount = mount;
        _sudo = sudo;
    }

    /// <summary>One that nobody hears.</summary>
    public static EventSource Silent { get; } = new(null, null);

    /// <summary>Somebody listens, so that it is worth putting an event together.</summary>
    public bool IsHeard => _bus is { IsHeard: true };

    /// <summary>Tells those who may know. Does not wait for them.</summary>
    /// <param name="type">Such as <c>kv-v2/data-write</c>; what follows the slash becomes <c>operation</c>.</param>
    /// <param name="path">The path below the mount that the change was made at.</param>
    /// <param name="dataPath">
    /// The path below the mount where what has changed can be read. Whoever may read it is told; nobody else is.
    /// </param>
    /// <param name="more">Further metadata, by name. Never a secret.</param>
    public void Publish(
        string type,
        string path,
        string dataPath,
        params ReadOnlySpan<(string Name, string Value)> more
    )
    {
        if (IsHeard)
        {
            _bus!.Publish(_mount!, type, path, dataPath, _sudo, more);
        }
    }

    /// <summary>The same, for what only those may read who have <c>sudo</c> on its path.</summary>
    public EventSource ForSudo() => new(_bus, _mount, sudo: true);
}
