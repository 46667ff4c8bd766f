using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database;

/// <summary>
/// A database that the engine is connected to with one configuration. Members run concurrently, at most as many as the
/// configuration allows (<see cref="Turns"/>), and each has a limit of its own on how long it waits. Messages of faults
/// hold no secret. <see cref="FaultKind.Unavailable"/> says that the database is away or does not let the server in.
/// </summary>
internal interface IDatabase : IAsyncDisposable
{
    /// <summary>Whether the server can log in.</summary>
    ValueTask<Fault?> VerifyAsync(CancellationToken cancellation);

    /// <summary>Makes a user, whole or not at all as far as the database can.</summary>
    ValueTask<Fault?> CreateAsync(NewUser user, CancellationToken cancellation);

    /// <summary>Moves the end of a user, where the database knows such a thing. Idempotent.</summary>
    ValueTask<Fault?> RenewAsync(UserRenewal renewal, CancellationToken cancellation);

    /// <summary>Removes a user with everything that it may do. Idempotent; fine when the user never was.</summary>
    ValueTask<Fault?> RemoveAsync(UserRemoval removal, CancellationToken cancellation);

    /// <summary>Gives a user another password. Idempotent.</summary>
    ValueTask<Fault?> SetPasswordAsync(PasswordChange change, CancellationToken cancellation);

    /// <summary>Ends the sessions that a user has open. Idempotent.</summary>
    ValueTask<Fault?> EndSessionsAsync(string username, CancellationToken cancellation);

    /// <summary>Tries a user's password.</summary>
    /// <returns>Whether it is taken; or a fault when that cannot be told now.</returns>
    ValueTask<(bool Accepted, Fault? Fault)> TryLoginAsync(
        string username,
        string password,
        CancellationToken cancellation
    );
}

/// <summary>A user to make. Immutable.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Password">Its password.</param>
/// <param name="ExpiresAt">When it ends.</param>
/// <param name="Creation">The role's creation_statements.</param>
/// <param name="Rollback">The role's rollback_statements: what removes a user that was made by half, where there are no transactions.</param>
internal sealed record NewUser(
    string Name,
    string Password,
    DateTimeOffset ExpiresAt,
    IReadOnlyList<string> Creation,
    IReadOnlyList<string> Rollback
)
{
    /// <summary>Says nothing of the password.</summary>
    public override string ToString() => $"NewUser({Name})";
}

/// <summary>Another end for a user. Immutable.</summary>
internal sealed record UserRenewal(string Name, DateTimeOffset ExpiresAt, IReadOnlyList<string> Statements);

/// <summary>A user to remove. Immutable.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Statements">The role's revocation_statements; empty for the way of the database's own folder.</param>
/// <param name="KeepsSessions">Sessions that are open go on.</param>
/// <param name="Owned">What becomes of what it owns.</param>
/// <param name="ReassignTo">Who gets what it owns; empty for the user of the connection.</param>
internal sealed record UserRemoval(
    string Name,
    IReadOnlyList<string> Statements,
    bool KeepsSessions,
    OwnedObjects Owned,
    string ReassignTo
);

/// <summary>Another password for a user. Immutable.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Password">The new password.</param>
/// <param name="Statements">The statements that set it; empty for the way of the database's own folder.</param>
internal sealed record PasswordChange(string Name, string Password, IReadOnlyList<string> Statements)
{
    /// <summary>Says nothing of the password.</summary>
    public override string ToString() => $"PasswordChange({Name})";
}

/// <summary>What becomes of what a user owns when it is removed.</summary>
internal enum OwnedObjects
{
    /// <summary>Somebody else gets it.</summary>
    Reassign,

    /// <summary>It is dropped.</summary>
    Drop,

    /// <summary>The user is not removed (but can no longer log in) while it owns something.</summary>
    Refuse,
}
