using Mayfly.Core.Audit;
using Mayfly.Core.Consumers;
using Mayfly.Core.Engines;
using Mayfly.Core.Identity;
using Mayfly.Core.Leases;
using Mayfly.Core.Mounts;
using Mayfly.Core.Policy;
using Mayfly.Core.Quotas;

namespace Mayfly.Core.Pipeline;

/// <summary>
/// The way of every request, in one direction: route, limit, authenticate, authorise, audit, engine, mint, wrap, audit. Safe
/// for concurrent use.
/// </summary>
internal sealed class RequestPipeline(
    MountRegistry mounts,
    Authentication authentication,
    TokenIssuer issuer,
    LeaseIssuer leases,
    AuditBroker audit,
    ConsumerBook consumers,
    QuotaRules quotas,
    LeaseAdmission admission,
    VaultOptions options,
    TimeProvider time
)
{
    private readonly FailureLimit _failures = new(time);

    /// <summary>Answers one request.</summary>
    public async ValueTask<Outcome> HandleAsync(Request request, CancellationToken cancellation)
    {
        var route = Route(request);
        if (
            quotas.RateLimits is { } limits
            && await quotas.TakeAsync(limits, request, route.Mounted, cancellation) is { } exceeded
        )
        {
            return await ThrottleAsync(limits, request, route, exceeded);
        }

        var (caller, fault) = await authentication.IdentifyAsync(request, cancellation);

        // Many share an address, behind a proxy for one: whoever has shown a token is not held up by those who guess.
        if (
            caller is null
            && route.IsGuessable(request)
            && _failures.Wait(request.RemoteAddress) is { Ticks: > 0 } wait
        )
        {
            return Fault.Throttled("too many failed attempts from this address; wait before the next one", wait);
        }

        if (caller is null && !route.IsOpen)
        {
            return await RefuseAsync(request, route, caller, AclDecision.Denied, fault!);
        }

        if (caller?.Token.UsesLeft > 0 && !route.IsOpen)
        {
            (var used, fault) = await issuer.Tokens.UseAsync(caller.Token, cancellation);
            if (used is null)
            {
                fault ??= Fault.Unauthenticated(Fault.PermissionDenied);
                return await RefuseAsync(request, route, caller: null, AclDecision.Denied, fault);
            }

            caller = caller with { Token = used };
        }

        try
        {
            return await AuthoriseAsync(request, route, caller, cancellation);
        }
        finally
        {
            if (caller?.Token is { Spent: true })
            {
                await issuer.Tokens.Revoker.RevokeAsync(
                    caller.Token.Accessor,
                    orphanChildren: false,
                    CancellationToken.None
                );
            }
        }
    }

    /// <summary>A refusal costs next to nothing, and is on record where that is wanted.</summary>
    private async ValueTask<Outcome> ThrottleAsync(RateLimits limits, Request request, RouteMatch route, Fault fault)
    {
        if (!limits.Config.AuditRefusals)
        {
            return fault;
        }

        var subject = new AuditSubject(request, route.Mounted?.Mount, Caller: null, AclDecision.Denied);
        var ticket = audit.Begin(subject, string.Join("; ", fault.Messages));
        return await ticket.RecordResponseAsync(fault) is { } lost ? lost : fault;
    }

    /// <summary>Answers a request that the server makes itself, in somebody's name: authorised and audited like any other.</summary>
    public ValueTask<Outcome> HandleAsync(Request request, Caller caller, CancellationToken cancellation) =>
        AuthoriseAsync(request, Route(request), caller, cancellation);

    private RouteMatch Route(Request request)
    {
        var mounted = mounts.Table.Route(request.Path);
        if (mounted is null)
        {
            // People ask for the help of a mount without the slash at its end.
            mounted = request.Operation == Operation.Help ? mounts.Table.At(request.Path + "/") : null;
            return mounted is null ? default : new RouteMatch(mounted, null, "");
        }

        var path = request.Path[mounted.Mount.Path.Length..];
        return new RouteMatch(mounted, mounted.Engine.Paths.Match(path), path);
    }

    private async ValueTask<Outcome> AuthoriseAsync(
        Request request,
        RouteMatch route,
        Caller? caller,
        CancellationToken cancellation
    )
    {
        if (
            request.Operation == Operation.Help
            && route.Mounted is not null
            && (route.Match is not null || route.Path is "")
        )
        {
            Outcome help = route.Path is "" ? HelpOf(route.Mounted) : HelpOf(route.Match!.Entry);
            var ticket = audit.Begin(new AuditSubject(request, route.Mounted.Mount, caller, AclDecision.NotNeeded));
            return await ticket.RecordResponseAsync(help) is { } unrecorded ? unrecorded : help;
        }

        if (route.Match is not { } match)
        {
            // Whether there is anything at the path is only for those who may look.
            var decision = caller!.Acl.Decide(request.Operation, request.Path, body: null, request.WrapTtl);
            var missing = decision.Allowed ? NoRoute(request, route) : Fault.Denied();
            return await RefuseAsync(request, route, caller, decision, missing);
        }

        var warnings = new List<string>();
        var (fields, invalid) = FieldValues.Bind(match, request, options.UnknownFields, warnings);
        if (fields is null)
        {
            var decision = AuthorizedRequest.Preview(request, match, route.Path, caller);
            var answer = decision.Allowed ? invalid! : Fault.Denied();
            return await RefuseAsync(request, route, caller, decision, answer);
        }

        using (fields)
        {
            if (
                request.Operation == Operation.Update
                && match.Entry.Exists is { } exists
                && !await exists(match, cancellation)
            )
            {
                request.Operation = Operation.Create;
            }

            var authorized = AuthorizedRequest.Check(request, match, fields, route.Path, caller, out var decision);
            if (authorized is null)
            {
                return await RefuseAsync(request, route, caller, decision, Fault.Denied());
            }

            return HandlerOf(route.Mounted!, match.Entry, request.Operation) is { } handler
                ? await ActAsync(authorized, route, handler, decision, warnings, cancellation)
                : await RefuseAsync(request, route, caller, decision, Fault.Unsupported());
        }
    }

    /// <summary>The row's handler; where the row issues credentials, the one that has them made under a lease.</summary>
    private Handler? HandlerOf(MountedEngine mounted, PathEntry entry, Operation operation) =>
        operation == Operation.Read && entry.Issue is { } planner
            ? (request, cancellation) => leases.IssueAsync(mounted, planner, request, cancellation)
            : entry.For(operation);

    private async ValueTask<Outcome> ActAsync(
        AuthorizedRequest authorized,
        RouteMatch route,
        Handler handler,
        AclDecision decision,
        List<string> warnings,
        CancellationToken cancellation
    )
    {
        var request = authorized.Request;
        var entry = authorized.Match.Entry;
        if (
            entry.Access == Access.Anyone
            && request.Operation is Operation.Create or Operation.Update
            && route.Mounted!.Mount is { Kind: EngineKind.Auth } method
            && await admission.CheckLoginAsync(request, method, cancellation) is { } full
        )
        {
            return await RefuseAsync(request, route, authorized.CallerOrNull, decision, full);
        }

        var isAudited = !(entry.WhenSealed && request.Operation == Operation.Read);
        var ticket = isAudited
            ? audit.Begin(new AuditSubject(request, route.Mounted!.Mount, authorized.CallerOrNull, decision))
            : default;

        // A plain read has no effect until its reply leaves, so its two entries are waited for together, at the end.
        if (entry.HasEffects(request.Operation) && await ticket.RecordRequestAsync() is { } unrecorded)
        {
            await ticket.RecordResponseAsync(unrecorded);
            return unrecorded;
        }

        Outcome outcome;
        Func<bool, ValueTask>? settle = null;
        try
        {
            outcome = request is { Consumer: not null, Operation: Operation.Read }
                ? await consumers.ReadAsync(authorized, handler, cancellation)
                : await handler(authorized, cancellation);
            if (outcome.Response is { } response)
            {
                settle = response.Settle;
                response.Warnings.AddRange(warnings);
                outcome = await CompleteAsync(authorized, route.Mounted!.Mount, response, cancellation);
            }
            else if (outcome.Fault?.Body is { } body)
            {
                body.MountType = route.Mounted!.Mount.Type;
            }
        }
        catch (Exception e)
        {
            await (settle?.Invoke(false) ?? default);
            await ticket.RecordFailureAsync(e is OperationCanceledException ? "request cancelled" : "internal error");
            throw;
        }

        if (entry.Access == Access.Anyone && outcome.Fault is { Kind: FaultKind.Invalid or FaultKind.Denied })
        {
            _failures.Count(request.RemoteAddress);
        }

        var lost = await ticket.RecordResponseAsync(outcome);
        if (lost is not null || !outcome.Succeeded)
        {
            // What was made for a reply that nobody gets must not stay.
            await (settle?.Invoke(false) ?? default);
        }

        if (lost is not null)
        {
            outcome.Response?.Dispose();
            return lost;
        }

        if (outcome.Response?.OnceRecorded is { } last)
        {
            await last(cancellation);
        }

        return outcome;
    }

    /// <summary>Mints the token that an auth method grants, and wraps the reply if the caller wants it wrapped.</summary>
    private async ValueTask<Outcome> CompleteAsync(
        AuthorizedRequest authorized,
        Mount mount,
        Response response,
        CancellationToken cancellation
    )
    {
        response.MountType = mount.Type;
        if (response.Grant is { } grant)
        {
            var (issued, fault) = await issuer.LoginAsync(
                grant,
                mount,
                authorized.Request.Path,
                authorized.RemoteAddress,
                response.Warnings,
                cancellation
            );
            if (issued is null)
            {
                response.Dispose();
                return fault!;
            }

            response.Auth = issued;
        }

        var ttl = authorized.Request.WrapTtl;
        return ttl is { Ticks: > 0 } && !response.IsEmpty && response.WrapInfo is null
            ? await WrapAsync(authorized.Request.Path, response, ttl.Value, cancellation)
            : response;
    }

    private async ValueTask<Outcome> WrapAsync(
        string path,
        Response response,
        TimeSpan ttl,
        CancellationToken cancellation
    )
    {
        using (response)
        {
            var wrapped = WrappedReply.Encode(response);
            var (issued, fault) = await issuer.WrappingAsync(wrapped, ttl, path, cancellation);
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(wrapped);
            if (issued is null)
            {
                return fault!;
            }

            return new Response
            {
                MountType = response.MountType,
                Settle = response.Settle,
                WrapInfo = new WrapInfo(
                    issued.Token,
                    issued.Entry.Accessor,
                    ttl,
                    issued.Entry.CreatedAt,
                    path,
                    response.Auth?.Entry.Accessor
                ),
            };
        }
    }

    /// <summary>Records a request that goes no further, and answers why. Without a record there is no answer either.</summary>
    private async ValueTask<Outcome> RefuseAsync(
        Request request,
        RouteMatch route,
        Caller? caller,
        AclDecision decision,
        Fault fault
    )
    {
        if (route.IsOpen && fault.Kind != FaultKind.Throttled)
        {
            _failures.Count(request.RemoteAddress);
        }

        var subject = new AuditSubject(request, route.Mounted?.Mount, caller, decision);
        var ticket = audit.Begin(subject, string.Join("; ", fault.Messages));
        return await ticket.RecordResponseAsync(fault) is { } lost ? lost : fault;
    }

    private static Fault NoRoute(Request request, RouteMatch route) =>
        route.Mounted is null
            ? Fault.NotFound($"no handler for route \"{request.Path}\". route entry not found.")
            : Fault.NotFound(
                $"unsupported path: {route.Mounted.Mount.Path} ({route.Mounted.Mount.Type}) has nothing at \"{route.Path}\""
            );

    private static Response HelpOf(PathEntry entry)
    {
        var fields = entry.Fields.Select(field =>
            $"\n    {field.Name} (type: {field.TypeName})\n        {field.Description}"
        );
        return HelpText($"{entry.Pattern}\n\n{entry.Help}\n\nFields:{string.Concat(fields)}\n");
    }

    private static Response HelpOf(MountedEngine mounted)
    {
        var paths = mounted.Engine.Paths.Entries.Select(entry => $"\n    {entry.Pattern}\n        {entry.Help}");
        var mount = mounted.Mount;
        var description = mount.Description.Length == 0 ? "" : $"{mount.Description}\n\n";
        return HelpText($"{mount.Path}: the {mount.Type} backend\n\n{description}Paths:{string.Concat(paths)}\n");
    }

    private static Response HelpText(string text) =>
        Response.Object(
            ResponseShape.Bare,
            writer =>
            {
                writer.WriteString("help", text);
                writer.WriteNull("see_also");
            }
        );

    /// <summary>Where a request goes.</summary>
    private readonly record struct RouteMatch(MountedEngine? Mounted, PathMatch? Match, string Path)
    {
        /// <summary>Anybody may call it.</summary>
        public bool IsOpen => Match?.Entry.Access == Access.Anyone;

        /// <summary>Anybody may try secrets there; what tells only the server's state is no such path.</summary>
        public bool IsGuessable(Request request) =>
            IsOpen && !(Match!.Entry.WhenSealed && request.Operation == Operation.Read);
    }
}
