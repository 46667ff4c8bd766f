using Npgsql;

namespace Mayfly.Core.Engines.Database.PostgreSql;

/// <summary>What a user owns in one database. Immutable.</summary>
/// <param name="Count">How many objects, those that belong to the whole server included.</param>
/// <param name="Shown">Some of them, for a message.</param>
/// <param name="Unsafe">
/// What would run with the rights of the new owner, some of it, when that is a superuser or makes users: somebody who had
/// the user's password could have put it there to be given those rights. Empty when there is none.
/// </param>
internal sealed record PostgresOwned(long Count, string Shown, string Unsafe)
{
    /// <remarks>
    /// Besides views, rules and functions that say so, an owner's rights are those of what ANALYZE and VACUUM evaluate
    /// (expressions of indexes and statistics, the differences of ranges), and of what foreign keys do: their actions run
    /// triggers, checks and generated columns of the table that refers, and their lookups casts to the type of the table
    /// referred to. Whoever has REFERENCES or TRIGGER on a table adds such things to it later.
    /// </remarks>
    private const string Sql = """
        WITH r AS (SELECT oid FROM pg_roles WHERE rolname = $1),
        owned AS (
          SELECT d.classid, d.objid FROM pg_shdepend d, r WHERE d.refclassid = 'pg_authid'::regclass::oid AND d.refobjid = r.oid
            AND d.deptype = 'o' AND d.dbid IN (0::oid, (SELECT oid FROM pg_database WHERE datname = current_database()))),
        target AS (SELECT rolsuper OR rolcreaterole AS mighty FROM pg_roles
          WHERE rolname = CASE WHEN $2 = '' THEN current_user::text ELSE $2 END),
        own_type AS (SELECT oid FROM pg_type WHERE typnamespace <> 'pg_catalog'::regnamespace::oid),
        code AS (
          SELECT p.oid::regprocedure::text AS name FROM pg_proc p, r WHERE p.proowner = r.oid AND p.prosecdef
          UNION ALL
          SELECT c.oid::regclass::text FROM pg_class c, r WHERE c.relowner = r.oid AND (c.relkind IN ('v', 'm')
            OR c.relhasrules
            OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL))
            OR EXISTS (SELECT FROM pg_statistic_ext s WHERE s.stxrelid = c.oid AND 'e' = ANY (s.stxkind))
            OR EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal)
            OR (c.relkind IN ('r', 'p', 'f') AND EXISTS (SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
              WHERE a.attrelid = c.oid AND t.oid IN (SELECT oid FROM own_type) AND t.typtype IN ('c', 'd', 'r', 'm')))
            OR EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f'
              AND (f.confdeltype IN ('n', 'd') OR f.confupdtype IN ('c', 'n', 'd'))
              AND (c.relchecks > 0 OR f.confdeltype = 'd' OR f.confupdtype = 'd'
                OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attgenerated <> '')))
            OR EXISTS (SELECT FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey)
              WHERE f.contype = 'f' AND c.oid IN (f.conrelid, f.confrelid) AND a.atttypid IN (SELECT oid FROM own_type)
                AND NOT EXISTS (SELECT FROM pg_attribute b
                  WHERE b.attrelid = f.confrelid AND b.attnum = ANY (f.confkey) AND b.atttypid = a.atttypid))
            OR EXISTS (SELECT FROM aclexplode(c.relacl) g
              WHERE g.privilege_type IN ('REFERENCES', 'TRIGGER') AND g.grantee <> r.oid)
            OR EXISTS (SELECT FROM pg_attribute a, aclexplode(a.attacl) g
              WHERE a.attrelid = c.oid AND g.privilege_type = 'REFERENCES' AND g.grantee <> r.oid)))
        SELECT (SELECT count(*) FROM owned),
          (SELECT coalesce(string_agg(name, ', '), '') FROM
            (SELECT pg_describe_object(classid, objid, 0) AS name FROM owned LIMIT 5) AS first),
          CASE WHEN (SELECT mighty FROM target) THEN
            (SELECT coalesce(string_agg(name, ', '), '') FROM (SELECT name FROM code LIMIT 5) AS first) ELSE '' END
        """;

    /// <param name="source">The database; null for that of the connection.</param>
    /// <param name="sessions">The connection.</param>
    /// <param name="removal">Whose, and who would get it.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public static async ValueTask<PostgresOwned> LookAsync(
        NpgsqlDataSource? source,
        PostgresSessions sessions,
        UserRemoval removal,
        CancellationToken cancellation
    )
    {
        await using var command = source is null ? sessions.Command(Sql) : source.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter { Value = removal.Name });
        command.Parameters.Add(new NpgsqlParameter { Value = removal.ReassignTo });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return new PostgresOwned(reader.GetInt64(0), reader.GetString(1), reader.GetString(2));
    }
}
