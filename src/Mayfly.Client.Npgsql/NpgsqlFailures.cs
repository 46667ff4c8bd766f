using Mayfly.Client.Secrets;
using Npgsql;

namespace Mayfly.Client.Npgsql;

/// <summary>What PostgreSQL says when it does not accept a credential, for <see cref="LiveSecret.WithRotationAsync{T}"/>.</summary>
public static class NpgsqlFailures
{
    /// <summary>These, and PostgreSQL's refusals: 28P01 (wrong password) and 28000 (no such user, or not allowed in).</summary>
    /// <param name="failures">Those that count already, such as <see cref="AuthenticationFailures.Default"/>.</param>
    public static AuthenticationFailures WithNpgsql(this AuthenticationFailures failures) =>
        failures.With<PostgresException>(IsRefusal);

    internal static bool IsRefusal(PostgresException failure) =>
        failure.SqlState is PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification;
}
