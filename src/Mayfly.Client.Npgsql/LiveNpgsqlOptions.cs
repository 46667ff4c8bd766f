using Npgsql;

namespace Mayfly.Client.Npgsql;

/// <summary>Which fields of a secret are user and password, and what else a pool needs. Immutable.</summary>
public sealed record LiveNpgsqlOptions
{
    /// <summary>
    /// The field with the name of the user. Where a secret has none, the user of the connection string stays.
    /// </summary>
    public string UserField { get; init; } = "username";

    /// <summary>The field with the password. Every version of the secret has to have it.</summary>
    public string PasswordField { get; init; } = "password";

    /// <summary>
    /// What else is to be set before a pool is made: types, certificates, logging. Called again for each new user, and not to
    /// set user or password.
    /// </summary>
    public Action<NpgsqlDataSourceBuilder>? Configure { get; init; }
}
