using Mayfly.Core.Events;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Engines;

/// <summary>
/// A secrets engine or auth method at one mount. It declares its paths, answers authorised requests on them from its own
/// <see cref="View"/>, and knows nothing of HTTP, tokens, the audit or other engines. Handlers run concurrently.
/// </summary>
public abstract class Engine : IAsyncDisposable
{
    /// <summary>What it answers. Built once.</summary>
    public abstract PathTable Paths { get; }

    /// <summary>Runs after mounting and after each unseal, before the first request. Must be quick.</summary>
    public virtual ValueTask StartAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    /// <summary>Is called when a record of this mount has come due. Must be idempotent: after a crash it is called again.</summary>
    /// <param name="path">The record's path in the engine's view.</param>
    /// <param name="cancellation">Ends when the server seals or stops.</param>
    public virtual ValueTask OnDueAsync(string path, CancellationToken cancellation) => ValueTask.CompletedTask;

    /// <summary>Is called when a token ends, so that what belongs to it alone can be removed.</summary>
    public virtual ValueTask OnTokenEndedAsync(string accessor, CancellationToken cancellation) =>
        ValueTask.CompletedTask;

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}

/// <summary>An auth method whose tokens are checked again at each renewal: the role may be gone, or be different.</summary>
public interface IRenewsTokens
{
    /// <summary>The parameters that now apply to <paramref name="token"/>, or the reason why it may not be renewed.</summary>
    ValueTask<(Auth.TokenParameters? Parameters, Fault? Fault)> RenewAsync(
        Identity.TokenEntry token,
        CancellationToken cancellation
    );
}

/// <summary>An auth method with roles: a quota may hold for the logins of one of them.</summary>
public interface IHasLoginRoles
{
    /// <summary>The role that a request would log in with, before anything of it is checked; null when there is none.</summary>
    /// <param name="path">The path below the mount.</param>
    /// <param name="body">The request's body, a JSON object.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    ValueTask<string?> RoleOfLoginAsync(string path, System.Text.Json.JsonElement body, CancellationToken cancellation);
}

/// <summary>What a mount gives its engine.</summary>
/// <param name="Mount">The mount as it was when the engine started; tuning it restarts the engine.</param>
/// <param name="View">The engine's own folder.</param>
/// <param name="Time">All time comes from here.</param>
/// <param name="Log">For the operator. Never holds secret values.</param>
/// <param name="Passwords">Makes passwords, by the password policies of the server.</param>
/// <param name="Rotations">What has the engine's secrets rotated.</param>
public sealed record MountContext(
    Mount Mount,
    View View,
    TimeProvider Time,
    ILogger Log,
    PasswordSource Passwords,
    IRotations Rotations
)
{
    /// <summary>What the engine tells of its changes, once they are durable.</summary>
    public EventSource Events { get; init; } = EventSource.Silent;

    /// <summary>For auth methods: when failed logins lock a name.</summary>
    public LockoutLimits Lockout { get; init; } = LockoutLimits.Default;

    /// <summary>What the engine wants to find again when its mount has been tuned or moved, which starts it anew.</summary>
    public MountMemory Memory { get; init; } = new();
}

/// <summary>Secrets engines are mounted at their path, auth methods below <c>auth/</c>.</summary>
public enum EngineKind
{
    Secrets,
    Auth,
}

/// <summary>A kind of engine that can be mounted: one line of the <see cref="Catalog"/>. Immutable.</summary>
/// <param name="Name">As in <c>secrets enable NAME</c>.</param>
/// <param name="Kind">Where it is mounted.</param>
/// <param name="Description">For lists and help.</param>
/// <param name="Create">Makes the engine of one mount.</param>
public sealed record EngineType(string Name, EngineKind Kind, string Description, Func<MountContext, Engine> Create)
{
    /// <summary>The server mounts it itself, once; it can be neither enabled nor disabled.</summary>
    public bool BuiltIn { get; init; }

    /// <summary>Set when the name is short for another type with an option: the mount gets those.</summary>
    public Alias? StandsFor { get; init; }

    /// <summary>
    /// Checks the options of a mount before it is made (there are no old ones then) or changed; null when they are fine.
    /// </summary>
    public Func<
        IReadOnlyDictionary<string, string>?,
        IReadOnlyDictionary<string, string>,
        Fault?
    > CheckOptions { get; init; } = (_, _) => null;
}

/// <summary>What a name stands for: <c>kv-v2</c> is <c>kv</c> with the option <c>version</c> set to 2.</summary>
public sealed record Alias(string Type, string Option, string Value);
