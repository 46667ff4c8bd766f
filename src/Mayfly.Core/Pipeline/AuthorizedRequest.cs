using System.Net;
using System.Text.Json;
using Mayfly.Core.Identity;
using Mayfly.Core.Policy;

namespace Mayfly.Core.Pipeline;

/// <summary>
/// A request that may be carried out. Its constructor is private, and <see cref="Check"/> is the only way to it: engines
/// accept nothing else, so a path that skips the policy check does not compile.
/// </summary>
public sealed class AuthorizedRequest
{
    private AuthorizedRequest(
        Request request,
        PathMatch match,
        FieldValues fields,
        string path,
        Caller? caller,
        AclDecision decision
    )
    {
        Request = request;
        Match = match;
        Fields = fields;
        Path = path;
        CallerOrNull = caller;
        GrantingPolicies = decision.GrantingPolicies;
    }

    public string Id => Request.Id;

    public Operation Operation => Request.Operation;

    /// <summary>The path below the mount.</summary>
    public string Path { get; }

    public FieldValues Fields { get; }

    /// <summary>Who asks. Paths that anybody may call must not touch it.</summary>
    public Caller Caller =>
        CallerOrNull ?? throw new InvalidOperationException("This path may be called without a token.");

    public Caller? CallerOrNull { get; }

    /// <summary>Whether the caller's policies give <c>sudo</c> on the path.</summary>
    public bool HasSudo =>
        Caller.Acl.Capabilities(Request.Path) is var capabilities
        && (capabilities.Contains("sudo") || capabilities.Contains("root"));

    public IPAddress RemoteAddress => Request.RemoteAddress;

    public string? ContentType => Request.ContentType;

    /// <summary>The raw body: a JSON object in UTF-8, or empty.</summary>
    public ReadOnlyMemory<byte> Body => Request.Body.Memory;

    /// <summary>The policies that allow it.</summary>
    internal IReadOnlyList<string> GrantingPolicies { get; }

    internal Request Request { get; }

    internal PathMatch Match { get; }

    /// <summary>What the policies say before the fields are known to be right: whether the caller may learn what is wrong.</summary>
    internal static AclDecision Preview(Request request, PathMatch match, string path, Caller? caller) =>
        match.Entry.Access == Access.Anyone ? AclDecision.NotNeeded
        : caller is null ? AclDecision.Denied
        : Decide(request, match.Entry, path, caller.Acl, body: null, query: null);

    /// <summary>Applies the policy of <paramref name="caller"/> to the request.</summary>
    /// <param name="request">The request; its operation has been settled.</param>
    /// <param name="match">The row of the path table.</param>
    /// <param name="fields">The checked fields.</param>
    /// <param name="path">The path below the mount.</param>
    /// <param name="caller">Who asks; null when no token was shown, or the path does not look at it.</param>
    /// <param name="decision">Why it was allowed or not, for the audit.</param>
    /// <returns>The authorised request, or null when it is denied.</returns>
    internal static AuthorizedRequest? Check(
        Request request,
        PathMatch match,
        FieldValues fields,
        string path,
        Caller? caller,
        out AclDecision decision
    )
    {
        if (match.Entry.Access == Access.Anyone)
        {
            decision = AclDecision.NotNeeded;
            return new AuthorizedRequest(request, match, fields, path, caller, decision);
        }

        if (caller is null)
        {
            decision = AclDecision.Denied;
            return null;
        }

        decision = Decide(request, match.Entry, path, caller.Acl, fields.Body, request.Query);
        return decision.Allowed && (match.Entry.Access != Access.Sudo || decision.Sudo)
            ? new AuthorizedRequest(request, match, fields, path, caller, decision)
            : null;
    }

    /// <summary>
    /// What the policy says of the path as it was spelled; and, where the engine knows the same thing by a plainer spelling
    /// that some rule covers, of that one too: otherwise a denial of <c>users/bob</c> would not hold for <c>users/Bob</c>
    /// and <c>users/bob/</c>.
    /// </summary>
    private static AclDecision Decide(
        Request request,
        PathEntry entry,
        string path,
        Acl acl,
        JsonElement? body,
        IReadOnlyDictionary<string, string>? query
    )
    {
        var decision = acl.Decide(request.Operation, request.Path, body, request.WrapTtl, query);
        if (!decision.Allowed)
        {
            return decision;
        }

        var plain = request.Operation == Operation.List ? path : path.TrimEnd('/');
        plain = entry.IgnoresCase ? plain.ToLowerInvariant() : plain;
        if (plain == path)
        {
            return decision;
        }

        plain = string.Concat(request.Path.AsSpan(0, request.Path.Length - path.Length), plain);
        if (acl.Rules.Any(rule => AclIndex.Covers(rule.Pattern, plain, request.Operation == Operation.List)))
        {
            return acl.Decide(request.Operation, plain, body, request.WrapTtl, query);
        }

        // A rule for users/bob/* is about what stands below users/bob: where nothing can stand below, it is no rule for
        // users/bob itself, unless it was spelled with that slash.
        return
            plain.Length == request.Path.Length
            || acl.IsRoot
            || entry.Pattern.EndsWith("*}", StringComparison.Ordinal)
            || acl.Rules.Any(rule => rule.Pattern.IsExact && AclIndex.Covers(rule.Pattern, request.Path, isList: false))
            ? decision
            : AclDecision.Denied;
    }
}
