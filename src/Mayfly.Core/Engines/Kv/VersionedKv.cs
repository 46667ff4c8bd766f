using Mayfly.Core.Events;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Engines.Kv;

/// <summary>Key-value with versions. The paths are in the files beside this one, one for each family of paths.</summary>
internal sealed partial class VersionedKv : Engine, IHoldsSecrets
{
    private static readonly FieldSpec PathField = new("path", FieldType.String, "Location of the secret.");

    private static readonly FieldSpec VersionField = new(
        "version",
        FieldType.Int,
        "The version to read; the current one when 0 or not given."
    );

    private static readonly FieldSpec VersionsField = new(
        "versions",
        FieldType.IntList,
        "The numbers of the versions that it is about."
    );

    private readonly KvStore _store;
    private readonly KvUpgrade _upgrade;
    private readonly EventSource _events;
    private readonly string _mountPath;

    public VersionedKv(MountContext context)
    {
        _store = new KvStore(context.View, context.Time, context.Events);
        _events = context.Events;
        _upgrade = new KvUpgrade(context, _store);
        _mountPath = context.Mount.Path;
        Paths = new PathTable(
            // Most requests are for data, and the first row that matches wins.
            DataPath(),
            MetadataPath(),
            DetailedMetadataPath(),
            SubkeysPath(),
            DeletePath(),
            UndeletePath(),
            DestroyPath(),
            ConfigPath(),
            InvalidPath()
        );
    }

    public override PathTable Paths { get; }

    public override ValueTask StartAsync(CancellationToken cancellation) => _upgrade.StartAsync(cancellation);

    public ValueTask VisitAsync(SecretVisitor visitor, CancellationToken cancellation) =>
        KvSecrets.VisitAsync(_store, visitor, cancellation);

    /// <summary>A version ends by its age: it reads as deleted from then on anyway, so this only keeps the books.</summary>
    public override async ValueTask OnDueAsync(string path, CancellationToken cancellation)
    {
        if (!path.StartsWith(KvStore.KeyFolder, StringComparison.Ordinal))
        {
            return;
        }

        await _store.ChangeAsync(
            path[KvStore.KeyFolder.Length..],
            change =>
            {
                var ended = change.Key?.Versions.Where(version => version.IsDeleted(change.Now)).ToList();
                if (ended is { Count: > 0 })
                {
                    // The commit carries the next due time, or none.
                    var updated = Math.Max(change.Key!.Updated, ended.Max(version => version.Deletion));
                    change.Edit().Updated = updated;
                }

                return new(Outcome.Done);
            },
            cancellation
        );
    }

    public override async ValueTask DisposeAsync()
    {
        await _upgrade.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <summary>Refuses requests while the data of the unversioned engine is being moved.</summary>
    private Handler Guard(Handler handler) =>
        (request, cancellation) => _upgrade.IsRunning ? new(KvUpgrade.Busy()) : handler(request, cancellation);

    /// <summary>Guards a handler for one secret, and gives it the secret's path once that is known to be well-formed.</summary>
    private Handler ForSecret(Func<AuthorizedRequest, string, CancellationToken, ValueTask<Outcome>> handler) =>
        Guard(
            (request, cancellation) =>
            {
                var path = request.Fields.String("path");
                if (path.Length == 0 && request.Operation is not (Operation.Create or Operation.Update))
                {
                    return new(NotOnTheRoot());
                }

                return KeyPath.Problem(path, request.Operation) is { } problem
                    ? new(problem)
                    : handler(request, path, cancellation);
            }
        );

    private async ValueTask<bool> KeyExistsAsync(PathMatch match, CancellationToken cancellation)
    {
        var path = match.Captures["path"]!;
        return KeyPath.Problem(path, Operation.Update) is null && await _store.HasKeyAsync(path, cancellation);
    }

    private static Fault NotOnTheRoot() =>
        Fault.NotFound() with
        {
            Body = new Response
            {
                Warnings = ["Non-listing operations on the root of a K/V v2 mount are not supported."],
            },
        };

    private PathEntry InvalidPath() =>
        new("{path*}")
        {
            Help = "Not a path of this engine: answers with the path that was probably meant.",
            FreeForm = true,
            Fields = [PathField],
            Read = AnswerInvalidPath,
            List = AnswerInvalidPath,
            Write = AnswerInvalidPath,
            Patch = AnswerInvalidPath,
            Delete = AnswerInvalidPath,
        };

    private ValueTask<Outcome> AnswerInvalidPath(AuthorizedRequest request, CancellationToken cancellation)
    {
        var (verb, family) = request.Operation switch
        {
            Operation.Read => ("get", "data"),
            Operation.List => ("list", "metadata"),
            Operation.Patch => ("patch", "data"),
            Operation.Delete => ("delete", "data"),
            _ => ("put", "data"),
        };
        var path = request.Fields.String("path");
        var meant =
            path.Length is > 0 and < 256 || request.Operation == Operation.List
                ? $" The path for this is {_mountPath}{family}/{path}."
                : "";
        return new(
            Fault.NotFound() with
            {
                Body = new Response
                {
                    Warnings =
                    [
                        "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API "
                            + "endpoints to use. If using the Vault CLI, use 'vault kv "
                            + $"{verb}' for this operation.{meant}",
                    ],
                },
            }
        );
    }
}
