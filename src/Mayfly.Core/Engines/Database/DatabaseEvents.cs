using Mayfly.Core.Events;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database;

/// <summary>Tells of what succeeds at this engine's paths, with the names that Vault has for it.</summary>
internal sealed class DatabaseEvents(EventSource events)
{
    /// <summary>The row, which tells; or as it is, when there is nothing to tell of it.</summary>
    public PathEntry Telling(PathEntry entry) =>
        entry.Pattern switch
        {
            "config/{name}" => entry with
            {
                Write = Telling(entry.Write!, "config/", "config-write"),
                Delete = Telling(entry.Delete!, "config/", "config-delete"),
            },
            "reset/{name}" => entry with { Write = Telling(entry.Write!, "config/", "reset") },
            "rotate-root/{name}" => entry with
            {
                Write = Telling(entry.Write!, "config/", "root-rotate", failure: "root-rotate-fail"),
            },
            "roles/{name}" => entry with
            {
                Write = Telling(entry.Write!, "roles/", "role-update", create: "role-create"),
                Delete = Telling(entry.Delete!, "roles/", "role-delete"),
            },
            "static-roles/{name}" => entry with
            {
                Write = Telling(entry.Write!, "static-roles/", "static-role-update", create: "static-role-create"),
                Delete = Telling(entry.Delete!, "static-roles/", "static-role-delete"),
            },
            "rotate-role/{name}" => entry with
            {
                Write = Telling(entry.Write!, "static-creds/", "rotate", failure: "rotate-fail"),
            },
            "creds/{name}" => entry with { Issue = Telling(entry.Issue!) },
            _ => entry,
        };

    private Handler Telling(
        Handler handler,
        string dataFolder,
        string operation,
        string? create = null,
        string? failure = null
    ) =>
        async (request, cancellation) =>
        {
            var outcome = await handler(request, cancellation);
            var said = outcome.Succeeded
                ? request.Operation == Operation.Create
                    ? create ?? operation
                    : operation
                // What was asked wrongly has not failed: nothing was tried.
                : outcome.Fault is { Kind: FaultKind.Unavailable }
                    ? failure
                    : null;
            if (said is not null)
            {
                Tell(said, request, dataFolder);
            }

            return outcome;
        };

    private Planner Telling(Planner planner) =>
        async (request, cancellation) =>
        {
            var (plan, fault) = await planner(request, cancellation);
            return plan is null
                ? (null, fault)
                : (plan with { OnceIssued = () => Tell("creds-create", request, "creds/") }, null);
        };

    private void Tell(string operation, AuthorizedRequest request, string dataFolder)
    {
        if (events.IsHeard)
        {
            var name = request.Fields.String("name");
            events.Publish($"database/{operation}", request.Path, dataFolder + name, ("name", name));
        }
    }
}
