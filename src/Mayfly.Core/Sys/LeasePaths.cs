using Mayfly.Core.Engines;
using Mayfly.Core.Identity;
using Mayfly.Core.Leases;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/leases</c>: looking at leases, renewing them and ending them; with the older names of the same.</summary>
/// <param name="leases">All leases.</param>
/// <param name="renewToken">Renews a token, whose lease is named like any other.</param>
/// <param name="time">What time it is.</param>
internal sealed class LeasePaths(
    LeaseTable leases,
    Func<TokenEntry, TimeSpan, CancellationToken, ValueTask<Outcome>> renewToken,
    TimeProvider time
)
{
    private const int DefaultLimit = 1_000;
    private const string NoId = "lease_id must be specified";

    private static readonly FieldSpec Id = new("lease_id", FieldType.String, "The lease.");
    private static readonly FieldSpec PathId = new("url_lease_id", FieldType.String, "The lease, in the path.");
    private static readonly FieldSpec Prefix = new("prefix", FieldType.String, "How the ids of the leases begin.");

    private static readonly FieldSpec Sync = new(
        "sync",
        FieldType.Bool,
        "Answer when it is done, and say if it failed; otherwise it is done soon."
    );

    private static readonly FieldSpec Increment = new(
        "increment",
        FieldType.Duration,
        "How much longer it is to live from now; the limits of role and mount hold."
    );

    private static readonly FieldSpec Children = new(
        "include_child_namespaces",
        FieldType.Bool,
        "There are no namespaces below this one."
    );

    private static readonly FieldSpec Type = new("type", FieldType.String, "irrevocable.");

    public IEnumerable<PathEntry> Entries =>
        [
            new("leases")
            {
                Help = "Lists the leases that could not be revoked, with the reasons (type=irrevocable).",
                Access = Access.Sudo,
                Fields = [Type, Children, new("limit", FieldType.String, "How many at most, or none for all.")],
                Read = IrrevocableAsync,
            },
            new("leases/count")
            {
                Help = "Counts leases by mount; with type=irrevocable those that could not be revoked.",
                Fields = [Type, Children],
                Read = CountAsync,
            },
            new("leases/tidy")
            {
                Help = "Removes what leases that are gone have left behind, and ends leases whose token is gone.",
                Write = TidyAsync,
            },
            new("leases/lookup")
            {
                Help = "Shows a lease, or lists where there are leases (which needs sudo).",
                Fields = [Id],
                Write = LookupAsync,
                List = async (request, cancellation) =>
                    request.HasSudo ? await ListAsync("", cancellation) : Fault.Denied(),
            },
            new("leases/lookup/{prefix*}")
            {
                Help = "Lists the parts that follow a path in the ids of leases.",
                Access = Access.Sudo,
                Fields = [Prefix],
                List = (request, cancellation) => ListAsync(request.Fields.String("prefix"), cancellation),
            },
            .. Renewing("leases/renew"),
            .. Renewing("renew"),
            .. Revoking("leases/"),
            .. Revoking(""),
        ];

    private IEnumerable<PathEntry> Renewing(string root) =>
        [
            new(root)
            {
                Help = "Renews a lease.",
                Fields = [Id, PathId, Increment],
                Write = RenewAsync,
            },
            new(root + "/{url_lease_id*}")
            {
                Help = "Renews the lease in the path.",
                Fields = [Id, PathId, Increment],
                Write = RenewAsync,
            },
        ];

    private IEnumerable<PathEntry> Revoking(string root) =>
        [
            new(root + "revoke")
            {
                Help = "Ends a lease.",
                Fields = [Id, PathId, Sync],
                Write = RevokeAsync,
            },
            new(root + "revoke/{url_lease_id*}")
            {
                Help = "Ends the lease in the path.",
                Fields = [Id, PathId, Sync],
                Write = RevokeAsync,
            },
            new(root + "revoke-prefix/{prefix*}")
            {
                Help = "Ends all leases whose ids begin with a path, and all tokens that it gave: at once.",
                Access = Access.Sudo,
                Fields = [Prefix, Sync],
                Write = (request, cancellation) =>
                    PrefixAsync(
                        request,
                        prefix => leases.RevokePrefixAsync(prefix, request.Fields.Bool("sync"), cancellation),
                        isSync: request.Fields.Bool("sync")
                    ),
            },
            new(root + "revoke-force/{prefix*}")
            {
                Help = "Ends all leases whose ids begin with a path, and forgets those that cannot be ended.",
                Access = Access.Sudo,
                Fields = [Prefix],
                Write = (request, cancellation) =>
                    PrefixAsync(request, prefix => leases.ForgetPrefixAsync(prefix, cancellation), isSync: true),
            },
        ];

    private async ValueTask<Outcome> LookupAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var id = request.Fields.String("lease_id");
        if (id.Length == 0)
        {
            return Fault.Invalid(NoId);
        }

        if (await leases.FindTokenAsync(id, cancellation) is { } token)
        {
            return Shown(id, token.CreatedAt, token.ExpiresAt, token.LastRenewal, token.Renewable, null);
        }

        return await leases.FindAsync(id, cancellation) is { } lease
            ? Shown(id, lease.IssuedAt, lease.ExpiresAt, lease.LastRenewal, lease.Renewable, lease)
            : Fault.Invalid("invalid lease");
    }

    private Response Shown(
        string id,
        DateTimeOffset issued,
        DateTimeOffset? expires,
        DateTimeOffset? renewed,
        bool renewable,
        LeaseEntry? lease
    ) =>
        Response.Object(writer =>
        {
            writer.WriteString("id", id);
            writer.WriteString("issue_time", GoTime.Format(issued));
            writer.WriteString("expire_time", expires is { } end ? GoTime.Format(end) : null);
            writer.WriteString("last_renewal", renewed is { } last ? GoTime.Format(last) : null);
            writer.WriteBoolean("renewable", renewable && lease?.State is null or LeaseState.Active);
            var left = expires is { } ends ? Math.Max(0, Math.Ceiling((ends - time.GetUtcNow()).TotalSeconds)) : 0;
            writer.WriteNumber("ttl", (long)left);
            if (lease is { State: not LeaseState.Active })
            {
                writer.WriteString("state", lease.State == LeaseState.Revoking ? "revoking" : "irrevocable");
                writer.WriteNumber("revoke_attempts", lease.Attempts);
                writer.WriteString("revoke_error", lease.Reason);
            }
        });

    private async ValueTask<Outcome> ListAsync(string path, CancellationToken cancellation)
    {
        var prefix = KeyPath.Folder(path);
        return KeyPath.FolderProblem(prefix) is { } problem
            ? problem
            : Response.Keys(await leases.ListAsync(prefix, cancellation));
    }

    private async ValueTask<Outcome> RenewAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var id = IdOf(request);
        if (id.Length == 0)
        {
            return Fault.Invalid(NoId);
        }

        var increment = request.Fields.Duration("increment");
        if (await leases.FindTokenAsync(id, cancellation) is { } token)
        {
            var outcome = await renewToken(token, increment, cancellation);
            return outcome.Response is { Auth: { } auth } renewed
                ? new Response
                {
                    LeaseId = id,
                    LeaseDuration = auth.Ttl,
                    Renewable = auth.Entry.Renewable,
                    Warnings = renewed.Warnings,
                }
                : outcome;
        }

        return leases.PathOf(id) is { } path
            ? await leases.Renewal.RenewAsync(path, increment, cancellation)
            : Fault.Invalid("lease not found");
    }

    private async ValueTask<Outcome> RevokeAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var id = IdOf(request);
        if (id.Length == 0)
        {
            return Fault.Invalid(NoId);
        }

        var sync = request.Fields.Bool("sync");
        var fault = await leases.RevokeAsync(id, sync, cancellation);
        return fault ?? (Outcome)new Response { IsAccepted = !sync };
    }

    private static async ValueTask<Outcome> PrefixAsync(
        AuthorizedRequest request,
        Func<string, ValueTask<Fault?>> act,
        bool isSync
    )
    {
        var prefix = request.Fields.String("prefix").Trim('/');
        if (KeyPath.Problem(prefix, Operation.Update) is { } problem)
        {
            return problem;
        }

        return await act(prefix) is { } fault ? fault : new Response { IsAccepted = !isSync };
    }

    private async ValueTask<Outcome> IrrevocableAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (!IsIrrevocable(request))
        {
            return Fault.Invalid("type must be irrevocable");
        }

        var text = request.Fields.String("limit");
        var limit = DefaultLimit;
        if (text == "none")
        {
            limit = int.MaxValue - 1;
        }
        else if (text.Length > 0 && (!int.TryParse(text, out limit) || limit is <= 0 or int.MaxValue))
        {
            return Fault.Invalid("limit must be a positive number, or none");
        }

        var found = await leases.IrrevocableAsync(limit + 1, cancellation);
        var response = Response.Object(writer =>
        {
            writer.WriteNumber("lease_count", Math.Min(limit, found.Count));
            writer.WriteStartArray("leases");
            foreach (var lease in found.Take(limit))
            {
                writer.WriteStartObject();
                writer.WriteString("lease_id", lease.Id);
                writer.WriteString("error", lease.Reason);
                writer.WriteNumber("attempts", lease.Attempts);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });
        if (found.Count > limit)
        {
            response.Warnings.Add("There are more irrevocable leases than these; set limit to see more of them.");
        }

        return response;
    }

    private async ValueTask<Outcome> CountAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var isIrrevocable = IsIrrevocable(request);
        if (!isIrrevocable && request.Fields.String("type").Length > 0)
        {
            return Fault.Invalid("type must be irrevocable, or left out to count all leases");
        }

        var counts = await leases.CountAsync(isIrrevocable, cancellation);
        return Response.Object(writer =>
        {
            writer.WriteNumber("lease_count", counts.Values.Sum());
            writer.WriteStartObject("counts");
            foreach (var (accessor, count) in counts)
            {
                writer.WriteNumber(accessor, count);
            }

            writer.WriteEndObject();
        });
    }

    private async ValueTask<Outcome> TidyAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        await leases.TidyAsync(cancellation);
        return new Response();
    }

    private static bool IsIrrevocable(AuthorizedRequest request) =>
        request.Fields.String("type").Equals("irrevocable", StringComparison.OrdinalIgnoreCase);

    private static string IdOf(AuthorizedRequest request) =>
        request.Fields.String("lease_id") is { Length: > 0 } id ? id : request.Fields.String("url_lease_id");
}
