using Npgsql;

namespace Mayfly.Client.Npgsql;

/// <summary>What PostgreSQL says when it does not accept a credential.</summary>
internal static class NpgsqlFailures
{
    /// <summary>28P01 (wrong password) and 28000 (no such user, or not allowed in).</summary>
    public static bool IsRefusal(PostgresException failure) =>
        failure.SqlState is PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification;
}
