using Mayfly.Core.Engines;

namespace Mayfly.Core.Mounts;

/// <summary>A mount with its running engine. Immutable.</summary>
internal sealed record MountedEngine(Mount Mount, Engine Engine);
