using Mayfly.Core.Engines;

namespace Mayfly.Core.Pipeline;

/// <summary>Answers an authorised request.</summary>
public delegate ValueTask<Outcome> Handler(AuthorizedRequest request, CancellationToken cancellation);

/// <summary>Says what an authorised request is to be issued, or why not, without doing anything yet.</summary>
public delegate ValueTask<(LeasePlan? Plan, Fault? Fault)> Planner(
    AuthorizedRequest request,
    CancellationToken cancellation
);

/// <summary>Who may call a path.</summary>
public enum Access
{
    /// <summary>Whoever has a token whose policies allow it.</summary>
    Token,

    /// <summary>Whoever has a token whose policies allow it, with the <c>sudo</c> capability.</summary>
    Sudo,

    /// <summary>Anybody, such as a login. Such paths are rate-limited.</summary>
    Anyone,
}

/// <summary>
/// One row of an engine's path table: what it matches, what it takes, what it does, and its help. Routing, validation,
/// help, OpenAPI and the docs derive from it. Immutable.
/// </summary>
/// <param name="Pattern">
/// Segments separated by slashes: a literal, <c>{name}</c> for exactly one segment, or <c>{name*}</c> for the rest (which
/// may be empty), after which only literals may follow: <c>mounts/{path*}/tune</c>.
/// </param>
public sealed record PathEntry(string Pattern)
{
    public required string Help { get; init; }

    public IReadOnlyList<FieldSpec> Fields { get; init; } = [];

    public Access Access { get; init; }

    /// <summary>The path works while the server is sealed.</summary>
    public bool WhenSealed { get; init; }

    /// <summary>The body is the caller's own data: any top-level member is accepted and none is interpreted.</summary>
    public bool FreeForm { get; init; }

    /// <summary>
    /// The names in the path are the same in capitals and in small letters: what the policies say of the path in small
    /// letters holds for every spelling.
    /// </summary>
    public bool IgnoresCase { get; init; }

    /// <summary>A read that changes something (issues a credential, consumes a token): it is audited before it runs.</summary>
    public bool ReadHasEffects { get; init; }

    public Handler? Read { get; init; }

    /// <summary>
    /// A read that issues a credential with a lease, instead of <see cref="Read"/>: the pipeline stores what is planned, has
    /// it carried out, and stores the lease. The engine is an <see cref="IIssuesLeases"/>.
    /// </summary>
    public Planner? Issue { get; init; }

    public Handler? List { get; init; }

    /// <summary>Handles both Create and Update.</summary>
    public Handler? Write { get; init; }

    public Handler? Patch { get; init; }

    public Handler? Delete { get; init; }

    /// <summary>
    /// Tells whether there is something to update. With it, a write where nothing is needs the capability <c>create</c>
    /// rather than <c>update</c>. It runs before the policy check, so it must reveal nothing and change nothing.
    /// </summary>
    public Func<PathMatch, CancellationToken, ValueTask<bool>>? Exists { get; init; }

    /// <summary>Whether the path answers that operation.</summary>
    public bool Supports(Operation operation) =>
        For(operation) is not null || (operation == Operation.Read && Issue is not null);

    /// <summary>Whether a read of it, or a list, changes something.</summary>
    public bool HasEffects(Operation operation) =>
        operation is not (Operation.Read or Operation.List)
        || ReadHasEffects
        || (operation == Operation.Read && Issue is not null);

    /// <summary>The handler of <paramref name="operation"/>, or null when the path does not support it.</summary>
    public Handler? For(Operation operation) =>
        operation switch
        {
            Operation.Read => Read,
            Operation.List => List,
            Operation.Create or Operation.Update => Write,
            Operation.Patch => Patch,
            Operation.Delete => Delete,
            _ => null,
        };
}
