using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database.Redis;

/// <summary>
/// Redis through a few connections that are kept. A user is one <c>ACL SETUSER</c>, which Redis applies whole or not at all, and
/// gets a hash rather than the password. Safe for concurrent use.
/// </summary>
internal sealed class RedisDatabase : IDatabase
{
    private static readonly string[] DefaultRules = ["~*", "+@read"];

    private readonly RedisAddress _address;
    private readonly ConnectionConfig _config;
    private readonly X509Certificate2Collection? _roots;
    private readonly Sessions _sessions;
    private readonly ConcurrentBag<RedisConnection> _idle = [];

    private RedisDatabase(
        RedisAddress address,
        ConnectionConfig config,
        X509Certificate2Collection? roots,
        Sessions sessions
    )
    {
        _address = address;
        _config = config;
        _roots = roots;
        _sessions = sessions;
    }

    private string Prefix => _sessions.Prefix.Replace(' ', '-');

    private string Name => _sessions.Current.Replace(' ', '-');

    public static (IDatabase? Database, Fault? Fault) Open(ConnectionConfig config, Sessions sessions)
    {
        var (address, fault) = RedisAddress.Of(config);
        if (address is null)
        {
            return (null, fault);
        }

        if (config.Detail("persistence_mode").ToUpperInvariant() is not ("" or "NONE" or "ACLFILE" or "REWRITE"))
        {
            return (null, Fault.Invalid("persistence_mode is ACLFILE, REWRITE or NONE"));
        }

        var pem = config.Detail("tls_ca") is { Length: > 0 } authority ? authority : config.Detail("ca_cert");
        if (pem.Length == 0)
        {
            return (new RedisDatabase(address, config, null, sessions), null);
        }

        try
        {
            var roots = new X509Certificate2Collection();
            roots.ImportFromPem(pem);
            return roots.Count == 0
                ? (null, Fault.Invalid("tls_ca: there is no certificate in it"))
                : (new RedisDatabase(address, config, roots, sessions), null);
        }
        catch (CryptographicException)
        {
            return (null, Fault.Invalid("tls_ca has to be in PEM"));
        }
    }

    public ValueTask<Fault?> VerifyAsync(CancellationToken cancellation) => RunAsync(["PING"], cancellation);

    public async ValueTask<Fault?> CreateAsync(NewUser user, CancellationToken cancellation)
    {
        IEnumerable<string> rules = user.Creation.Count == 0 ? DefaultRules : user.Creation;
        string[] command = ["ACL", "SETUSER", user.Name, "reset", "on", Hashed(user.Password), .. rules];
        return await RunAsync(command, cancellation) ?? await PersistAsync(cancellation);
    }

    /// <summary>Redis ends no user by itself.</summary>
    public ValueTask<Fault?> RenewAsync(UserRenewal renewal, CancellationToken cancellation) => default;

    /// <summary>Redis ends the sessions of a user that it removes.</summary>
    public async ValueTask<Fault?> RemoveAsync(UserRemoval removal, CancellationToken cancellation) =>
        await SettleAsync(cancellation)
        ?? await RunAsync(["ACL", "DELUSER", removal.Name], cancellation)
        ?? await PersistAsync(cancellation);

    public async ValueTask<Fault?> SetPasswordAsync(PasswordChange change, CancellationToken cancellation) =>
        await SettleAsync(cancellation)
        ?? await RunAsync(["ACL", "SETUSER", change.Name, "resetpass", Hashed(change.Password)], cancellation)
        ?? await PersistAsync(cancellation);

    public async ValueTask<Fault?> EndSessionsAsync(string username, CancellationToken cancellation) =>
        await RunAsync(["CLIENT", "KILL", "USER", username], cancellation);

    public async ValueTask<(bool Accepted, Fault? Fault)> TryLoginAsync(
        string username,
        string password,
        CancellationToken cancellation
    )
    {
        try
        {
            await using var connection = await RedisConnection.OpenAsync(
                _address,
                _roots,
                _config.Flag("insecure_tls"),
                cancellation
            );
            await connection.CommandAsync(["AUTH", username, password], cancellation);
            return (true, null);
        }
        catch (RedisException e) when (e.Message.StartsWith("WRONGPASS", StringComparison.Ordinal))
        {
            return (false, null);
        }
        catch (Exception e) when (e is IOException or RedisException)
        {
            return (false, FaultOf(e));
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (_idle.TryTake(out var connection))
        {
            await connection.DisposeAsync();
        }
    }

    private static string Hashed(string password) =>
        "#" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(password)));

    private static Fault FaultOf(Exception e) =>
        e is RedisException refused
            ? IsAway(refused.Message)
                ? Fault.Unavailable($"Redis says: {refused.Message}")
                : Fault.Invalid($"Redis says: {refused.Message}")
            : Fault.Unavailable($"the database cannot be reached: {e.Message}");

    private static bool IsAway(string message) =>
        message.Split(' ')[0]
            is "WRONGPASS"
                or "NOAUTH"
                or "LOADING"
                or "BUSY"
                or "MASTERDOWN"
                or "OOM"
                or "READONLY"
                or "MISCONF";

    /// <summary>Sessions of an earlier run, and those that were lost, may still have a command that nobody has read yet.</summary>
    private async ValueTask<Fault?> SettleAsync(CancellationToken cancellation)
    {
        if (_sessions.Settled)
        {
            return null;
        }

        var lost = _sessions.Lost;
        var (clients, fault) = await AskAsync(["CLIENT", "LIST"], cancellation);
        if (clients is null)
        {
            return fault;
        }

        foreach (var client in clients.Split('\n'))
        {
            var fields = client.Split(' ');
            var id = fields[0].StartsWith("id=", StringComparison.Ordinal) ? fields[0][3..] : "";
            var name = fields.FirstOrDefault(field => field.StartsWith("name=", StringComparison.Ordinal))?[5..] ?? "";
            var isEarlier = name.StartsWith(Prefix, StringComparison.Ordinal) && name != Name;
            if (isEarlier || lost.Any(session => id == $"{session}"))
            {
                (_, fault) = await AskAsync(["CLIENT", "KILL", "ID", id], cancellation);
                if (fault is { Kind: FaultKind.Unavailable })
                {
                    return fault;
                }
            }
        }

        _sessions.Ended(lost);
        return null;
    }

    /// <summary>What is not kept comes back at Redis's next start: a user that was removed for one.</summary>
    private async ValueTask<Fault?> PersistAsync(CancellationToken cancellation)
    {
        var mode = _config.Detail("persistence_mode").ToUpperInvariant();
        if (mode is "NONE")
        {
            return null;
        }

        if (mode is "" or "ACLFILE")
        {
            var (_, fault) = await AskAsync(["ACL", "SAVE"], cancellation);
            if (fault is null || mode == "ACLFILE" || fault.Kind == FaultKind.Unavailable)
            {
                return fault;
            }
        }

        // Without a file for either, Redis forgets all users at its end, those that were removed as well.
        var (_, problem) = await AskAsync(["CONFIG", "REWRITE"], cancellation);
        return mode == "REWRITE" || problem is { Kind: FaultKind.Unavailable } ? problem : null;
    }

    private async ValueTask<Fault?> RunAsync(string[] command, CancellationToken cancellation) =>
        (await AskAsync(command, cancellation)).Fault;

    /// <summary>Commands here may be repeated: when a connection turns out to be dead, another is tried once.</summary>
    private async ValueTask<(string? Reply, Fault? Fault)> AskAsync(string[] command, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var kept = _idle.TryTake(out var connection);
            try
            {
                connection ??= await LogInAsync(cancellation);
                var reply = await connection.CommandAsync(command, cancellation);
                _idle.Add(connection);
                return (reply, null);
            }
            catch (RedisException e)
            {
                if (connection is not null)
                {
                    _idle.Add(connection);
                }

                return (null, FaultOf(e));
            }
            catch (IOException e)
            {
                if (connection is not null)
                {
                    // What was sent may still be waiting to be read.
                    _sessions.Lose(connection.Session);
                    await connection.DisposeAsync();
                }

                if (!kept || attempt > _config.MaxOpen)
                {
                    return (null, FaultOf(e));
                }
            }
            catch
            {
                if (connection is not null)
                {
                    _sessions.Lose(connection.Session);
                    await connection.DisposeAsync();
                }

                throw;
            }
        }
    }

    private async ValueTask<RedisConnection> LogInAsync(CancellationToken cancellation)
    {
        var connection = await RedisConnection.OpenAsync(_address, _roots, _config.Flag("insecure_tls"), cancellation);
        try
        {
            if (_config.Password.Length > 0)
            {
                string[] credentials =
                    _config.Username.Length > 0 ? [_config.Username, _config.Password] : [_config.Password];
                await connection.CommandAsync(["AUTH", .. credentials], cancellation);
            }

            await connection.CommandAsync(["CLIENT", "SETNAME", Name], cancellation);
            var id = await connection.CommandAsync(["CLIENT", "ID"], cancellation);
            connection.Session = int.Parse(id, System.Globalization.CultureInfo.InvariantCulture);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
