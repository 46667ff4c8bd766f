using System.Net.Sockets;
using Mayfly.Core.Pipeline;
using Npgsql;

namespace Mayfly.Core.Engines.Database.PostgreSql;

/// <summary>What Npgsql's exceptions mean for a caller. Passwords never get into a message.</summary>
internal static class PostgresFaults
{
    public const string ObjectInUse = "55006";
    public const string LockNotAvailable = "55P03";
    public const string UndefinedObject = "42704";
    public const string DependentObjects = "2BP01";
    public const string InsufficientPrivilege = "42501";
    private const string ActiveTransaction = "25001";
    private const string InternalError = "XX000";
    private const string SerializationFailure = "40001";
    private const string Deadlock = "40P01";

    /// <summary>
    /// The database did nothing because somebody else changed the same thing (a GRANT on the same table for one): it may be
    /// tried again at once.
    /// </summary>
    public static bool IsConflict(PostgresException e) =>
        e.SqlState is SerializationFailure or Deadlock
        || (e.SqlState == InternalError && e.MessageText.StartsWith("tuple concurrently", StringComparison.Ordinal));

    /// <summary>The connection is gone, or the server is going: how a statement ended is not known.</summary>
    public static bool IsLoss(Exception e) =>
        e switch
        {
            PostgresException server => server.SqlState is "57P01" or "57P02" or "57P03" or "57P05"
                || server.SqlState.StartsWith("08", StringComparison.Ordinal),
            NpgsqlException or SocketException or IOException or TimeoutException or ObjectDisposedException => true,
            _ => false,
        };

    /// <param name="e">What was thrown.</param>
    /// <param name="secret">A password that may stand in what the server says.</param>
    public static Fault From(Exception e, string? secret = null)
    {
        var text = e is PostgresException server ? Explain(server) : $"the database cannot be reached: {Innermost(e)}";
        if (secret is { Length: > 0 })
        {
            text = text.Replace(secret, "***", StringComparison.Ordinal);
        }

        return IsAway(e) ? Fault.Unavailable(text) : Fault.Invalid(text);
    }

    /// <summary>Whether the database is away, full, or does not let the server in: nothing that the request could mend.</summary>
    public static bool IsAway(Exception e) =>
        IsLoss(e) || (e is PostgresException server && (server.SqlState[..2] is "28" or "53" or "3D" or "58"));

    private static string Explain(PostgresException e)
    {
        var text = $"PostgreSQL says: {e.MessageText} ({e.SqlState})";
        return e.SqlState switch
        {
            ActiveTransaction => text
                + "; statements run in one transaction, so that nothing is left when one of them fails, and this one cannot",
            InsufficientPrivilege => text + "; the user of the connection lacks the right",
            _ => text,
        };
    }

    private static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner)
        {
            e = inner;
        }

        return e is TimeoutException ? "it did not answer in time" : e.Message;
    }
}
