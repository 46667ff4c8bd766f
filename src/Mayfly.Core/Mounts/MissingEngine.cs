using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Mounts;

/// <summary>
/// Stands at a mount whose type this server lacks, such as after a step back to an older one: the others start, its data
/// stays, and it can be listed, moved and disabled.
/// </summary>
internal sealed class MissingEngine : Engine
{
    private readonly Mount _mount;

    public MissingEngine(Mount mount)
    {
        _mount = mount;
        Paths = new PathTable(
            new PathEntry("{path*}")
            {
                Help = "This server lacks the engine of this mount.",
                FreeForm = true,
                Read = RefuseAsync,
                List = RefuseAsync,
                Write = RefuseAsync,
                Patch = RefuseAsync,
                Delete = RefuseAsync,
            }
        );
    }

    public override PathTable Paths { get; }

    private ValueTask<Outcome> RefuseAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        new(Fault.Unavailable($"{_mount.Path} has the type {_mount.Type}, which this server lacks"));
}
