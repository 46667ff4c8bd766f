using Mayfly.Core.Engines;
using Mayfly.Core.Events;

namespace Mayfly.Core.Rotation;

/// <summary>What a rotation works on. Immutable.</summary>
/// <param name="Rotator">Carries out the steps.</param>
/// <param name="Name">What the operator sees: the mount's path and the target, or the configured name.</param>
/// <param name="ReadPath">The whole path that consumers read, or "".</param>
/// <param name="Events">What tells those who may read that path.</param>
/// <param name="ReadBelow">The same path, below its mount.</param>
internal sealed record RotationTarget(
    IRotatesSecrets Rotator,
    string Name,
    string ReadPath,
    EventSource Events,
    string ReadBelow
)
{
    /// <summary>Tells the readers of the secret what has become of its rotation.</summary>
    /// <param name="type">Such as <c>rotation/promote</c>.</param>
    /// <param name="version">The version that it is about.</param>
    public void Tell(string type, string version)
    {
        if (ReadPath.Length > 0)
        {
            Events.Publish(type, ReadBelow, ReadBelow, ("rotation", Name), ("version", version));
        }
    }
}
