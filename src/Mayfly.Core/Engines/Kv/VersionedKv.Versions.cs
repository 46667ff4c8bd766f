using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Kv;

/// <content>Paths about chosen versions: delete, undelete, destroy.</content>
internal sealed partial class VersionedKv
{
    private PathEntry DeletePath() =>
        new("delete/{path*}")
        {
            Help = "Marks versions of a secret as deleted. They can no longer be read, until they are undeleted.",
            Fields = [PathField, VersionsField],
            Write = ForSecret(
                (request, path, cancellation) =>
                    ChangeVersionsAsync(
                        request,
                        path,
                        "delete",
                        "No version number provided",
                        DeleteVersion,
                        cancellation
                    )
            ),
        };

    private PathEntry UndeletePath() =>
        new("undelete/{path*}")
        {
            Help = "Makes deleted versions of a secret readable again.",
            Fields = [PathField, VersionsField],
            Write = ForSecret(
                (request, path, cancellation) =>
                    ChangeVersionsAsync(
                        request,
                        path,
                        "undelete",
                        "No version number provided",
                        UndeleteVersion,
                        cancellation
                    )
            ),
        };

    private PathEntry DestroyPath() =>
        new("destroy/{path*}")
        {
            Help = "Removes the values of versions of a secret for good, together with the keys that encrypt them.",
            Fields = [PathField, VersionsField],
            Write = ForSecret(
                (request, path, cancellation) =>
                    ChangeVersionsAsync(
                        request,
                        path,
                        "destroy",
                        "no version number provided",
                        DestroyVersion,
                        cancellation
                    )
            ),
        };

    private async ValueTask<Outcome> ChangeVersionsAsync(
        AuthorizedRequest request,
        string path,
        string operation,
        string whenNone,
        Action<KeyChange, long> apply,
        CancellationToken cancellation
    )
    {
        var versions = request.Fields.IntList("versions");
        if (versions.Count == 0)
        {
            return Fault.Invalid(whenNone);
        }

        return await _store.ChangeAsync(
            path,
            change =>
            {
                if (change.Key is not null)
                {
                    change.Event = new KvEvent(operation, versions);
                    foreach (var version in versions)
                    {
                        apply(change, version);
                    }
                }

                return new(Outcome.Done);
            },
            cancellation
        );
    }

    private static void DeleteVersion(KeyChange change, long number)
    {
        if (change.Key!.TryVersion(number, out var state) && state.IsLive(change.Now))
        {
            change.SetVersion(number, state with { Deletion = change.Now });
        }
    }

    private static void UndeleteVersion(KeyChange change, long number)
    {
        if (change.Key!.TryVersion(number, out var state) && state is { Destroyed: false, Deletion: not 0 })
        {
            change.SetVersion(number, state with { Deletion = change.Key.DeletionOf(change.Now, change.Config) });
        }
    }

    private static void DestroyVersion(KeyChange change, long number)
    {
        if (change.Key!.TryVersion(number, out var state) && !state.Destroyed)
        {
            change.SetVersion(number, state with { Destroyed = true });
        }
    }
}
