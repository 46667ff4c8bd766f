using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Sys;

/// <summary>
/// <c>sys/</c>: the server itself as an engine. Each concept has its own class of paths; this one only joins them.
/// </summary>
internal sealed class SysEngine(IEnumerable<PathEntry> entries) : Engine
{
    public override PathTable Paths { get; } = new(entries);
}
