using Mayfly.Core.Engines;

namespace Mayfly.Core.Rotation;

/// <summary>What a rotation works on. Immutable.</summary>
/// <param name="Rotator">Carries out the steps.</param>
/// <param name="Name">What the operator sees: the mount's path and the target, or the configured name.</param>
/// <param name="ReadPath">The whole path that consumers read, or "".</param>
internal sealed record RotationTarget(IRotatesSecrets Rotator, string Name, string ReadPath);
