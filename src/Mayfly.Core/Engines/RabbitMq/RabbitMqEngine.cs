using System.Text;
using System.Text.Json;
using Mayfly.Core.Naming;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Engines.RabbitMq;

/// <summary>
/// Users of RabbitMQ that live as long as their lease, made through the management API. When a lease ends, its user goes and
/// its open connections are closed.
/// </summary>
internal sealed class RabbitMqEngine : Engine, IIssuesLeases
{
    private const string ConnectionRecord = "config/connection";
    private const string LeaseRecord = "config/lease";
    private const string RoleFolder = "role/";

    /// <summary>In bytes of UTF-8; AMQP's limit of short strings.</summary>
    private const int MaxUsername = 255;

    private static readonly NameTemplate DefaultTemplate = NameTemplate.Of(
        """{{ printf "%s-%s" (.DisplayName | truncate 64) (uuid) }}"""
    );

    private readonly MountContext _context;
    private readonly View _view;
    private volatile Connected? _connected;

    private RabbitMqEngine(MountContext context)
    {
        _context = context;
        _view = context.View;
        var name = new FieldSpec("name", FieldType.String, "The name of the role.");
        Paths = new PathTable(
            new PathEntry("config/connection")
            {
                Help = "Sets where RabbitMQ's management API is, and who manages users there.",
                Fields =
                [
                    new("connection_uri", FieldType.String, "Such as http://rabbit:15672 or https://rabbit:15671.")
                    {
                        Required = true,
                    },
                    new("username", FieldType.String, "A user with the tag administrator.") { Required = true },
                    new("password", FieldType.String, "Its password.") { Required = true },
                    new("verify_connection", FieldType.Bool, "Try them before they are stored; true when not given."),
                    new("password_policy", FieldType.String, "The password policy for new users."),
                    new("username_template", FieldType.String, "How new users are named."),
                    new("ca_cert", FieldType.String, "Authorities to trust instead of the machine's, in PEM."),
                ],
                Read = ReadConnectionAsync,
                Write = WriteConnectionAsync,
            },
            new PathEntry("config/lease")
            {
                Help = "Sets how long credentials live.",
                Fields =
                [
                    new("ttl", FieldType.Duration, "Their first life; 0 for the mount's default."),
                    new("max_ttl", FieldType.Duration, "How long renewals can make them live; 0 for the mount's."),
                ],
                Read = ReadLeaseAsync,
                Write = WriteLeaseAsync,
            },
            new PathEntry("roles") { Help = "Lists the names of the roles.", List = ListAsync },
            new PathEntry("roles/{name}")
            {
                Help = "Reads, writes or deletes a role: what its users may do.",
                Fields =
                [
                    name,
                    new("tags", FieldType.StringList, "RabbitMQ's tags, such as monitoring; with commas between them."),
                    new(
                        "vhosts",
                        FieldType.Any,
                        "Permissions by virtual host, in JSON: {\"/\": {\"configure\": \"\", \"write\": \".*\", \"read\": \".*\"}}."
                    ),
                    new(
                        "vhost_topics",
                        FieldType.Any,
                        "Permissions by virtual host and topic exchange, in JSON:"
                            + " {\"/\": {\"amq.topic\": {\"write\": \"^a\", \"read\": \".*\"}}}."
                    ),
                ],
                Read = ReadRoleAsync,
                Write = WriteRoleAsync,
                Delete = DeleteRoleAsync,
            },
            new PathEntry("creds/{name}")
            {
                Help = "Makes a user of the role, which lives as long as its lease.",
                Fields = [name],
                Issue = PlanAsync,
            }
        );
    }

    public static EngineType Type { get; } =
        new(
            "rabbitmq",
            EngineKind.Secrets,
            "Users of RabbitMQ that live as long as their lease.",
            context => new RabbitMqEngine(context)
        );

    public override PathTable Paths { get; }

    /// <summary>RabbitMQ knows no end of a user: there is nothing to prolong, so a renewal needs no broker.</summary>
    public ValueTask<Fault?> RenewAsync(LeasedSecret lease, CancellationToken cancellation) => default;

    public async ValueTask<Fault?> RevokeAsync(LeasedSecret lease, CancellationToken cancellation)
    {
        var (broker, fault) = await BrokerAsync(cancellation);
        return broker is null
            ? fault
            : await broker.DeleteUserAsync(Encoding.UTF8.GetString(lease.Data.Span), cancellation);
    }

    public override ValueTask DisposeAsync()
    {
        Interlocked.Exchange(ref _connected, null)?.Broker.Dispose();
        return base.DisposeAsync();
    }

    private async ValueTask<(LeasePlan? Plan, Fault? Fault)> PlanAsync(
        AuthorizedRequest request,
        CancellationToken cancellation
    )
    {
        var roleName = request.Fields.String("name");
        if (await RoleAsync(roleName, cancellation) is not { } role)
        {
            return (null, Fault.Invalid($"unknown role: {Shown(roleName)}"));
        }

        var (broker, fault) = await BrokerAsync(cancellation);
        if (broker is null)
        {
            return (null, fault);
        }

        var template = broker.Config.UsernameTemplate is { Length: > 0 } source
            ? NameTemplate.Of(source)
            : DefaultTemplate;
        var (user, repeated) = template.RenderNew(
            new NameFields(request.Caller.Token.DisplayName, roleName, _context.Time.GetUtcNow())
        );
        if (user is null)
        {
            return (null, repeated);
        }

        if (UsernameProblem(user) is { } problem)
        {
            return (null, problem);
        }

        var (password, unmade) = await _context.Passwords(broker.Config.PasswordPolicy, cancellation);
        if (password is null)
        {
            return (null, unmade);
        }

        var lease = await LeaseAsync(cancellation);
        return (
            new LeasePlan
            {
                Ttl = lease.Ttl,
                MaxTtl = lease.MaxTtl,
                Data = Encoding.UTF8.GetBytes(user),
                Act = (_, acting) => MakeAsync(broker, user, password, role, acting),
            },
            null
        );
    }

    private static async ValueTask<Outcome> MakeAsync(
        Broker broker,
        string user,
        string password,
        Role role,
        CancellationToken cancellation
    ) =>
        await broker.CreateUserAsync(user, password, role, cancellation) is { } fault
            ? fault
            : Response.Object(writer =>
            {
                writer.WriteString("username", user);
                writer.WriteString("password", password);
            });

    private async ValueTask<Outcome> ReadConnectionAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        using var entry = await _view.GetAsync(ConnectionRecord, cancellation);
        if (entry is null)
        {
            return Fault.NotFound();
        }

        var config = RabbitMqJson.Decode(entry.Value, RabbitMqJson.Default.ConnectionConfig);
        return Response.Object(writer =>
        {
            writer.WriteString("connection_uri", config.Uri);
            writer.WriteString("username", config.Username);
            writer.WriteString("password_policy", config.PasswordPolicy);
            writer.WriteString("username_template", config.UsernameTemplate);
            writer.WriteString("ca_cert", config.CaCert);
        });
    }

    private async ValueTask<Outcome> WriteConnectionAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var fields = request.Fields;
        var config = new ConnectionConfig
        {
            Uri = fields.String("connection_uri").TrimEnd('/'),
            Username = fields.String("username"),
            Password = fields.String("password"),
            PasswordPolicy = fields.String("password_policy"),
            UsernameTemplate = fields.String("username_template"),
            CaCert = fields.String("ca_cert"),
        };
        if (config.UsernameTemplate.Length > 0)
        {
            var (template, untemplated) = NameTemplate.Parse(config.UsernameTemplate);
            untemplated ??= template!.RenderNew(new NameFields("x", "x", _context.Time.GetUtcNow())).Fault;
            if (untemplated is not null)
            {
                return untemplated;
            }
        }

        // A policy that is not there is found out now, not by those who want credentials.
        if (await _context.Passwords(config.PasswordPolicy, cancellation) is { Fault: { } unmade })
        {
            return unmade;
        }

        var (broker, wrong) = Broker.Of(config);
        if (broker is null)
        {
            return wrong!;
        }

        using (broker)
        {
            if (
                fields.Bool("verify_connection", fallback: true)
                && await broker.VerifyAsync(cancellation) is { } unverified
            )
            {
                return unverified with { Kind = FaultKind.Invalid };
            }
        }

        return await SaveAsync(
            ConnectionRecord,
            JsonSerializer.SerializeToUtf8Bytes(config, RabbitMqJson.Default.ConnectionConfig),
            cancellation
        );
    }

    private async ValueTask<Outcome> ReadLeaseAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (!await _view.ExistsAsync(LeaseRecord, cancellation))
        {
            return Fault.NotFound();
        }

        var lease = await LeaseAsync(cancellation);
        return Response.Object(writer =>
        {
            writer.WriteNumber("ttl", (long)lease.Ttl.TotalSeconds);
            writer.WriteNumber("max_ttl", (long)lease.MaxTtl.TotalSeconds);
        });
    }

    private async ValueTask<Outcome> WriteLeaseAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var lease = new LeaseConfig(request.Fields.Duration("ttl"), request.Fields.Duration("max_ttl"));
        if (lease.MaxTtl > TimeSpan.Zero && lease.Ttl > lease.MaxTtl)
        {
            return Fault.Invalid("ttl must not be longer than max_ttl");
        }

        return await SaveAsync(
            LeaseRecord,
            JsonSerializer.SerializeToUtf8Bytes(lease, RabbitMqJson.Default.LeaseConfig),
            cancellation
        );
    }

    private async ValueTask<Outcome> ListAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        Response.Keys(await _view.ListAsync(RoleFolder, cancellation));

    private async ValueTask<Outcome> ReadRoleAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        await RoleAsync(request.Fields.String("name"), cancellation) is not { } role
            ? Fault.NotFound()
            : Response.Object(writer => Write(writer, role));

    private async ValueTask<Outcome> WriteRoleAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (RoleRecord(request.Fields.String("name")) is not { } record)
        {
            return BadName();
        }

        var (role, fault) = RoleReader.Read(request.Fields);
        return role is null
            ? fault!
            : await SaveAsync(
                record,
                JsonSerializer.SerializeToUtf8Bytes(role, RabbitMqJson.Default.Role),
                cancellation
            );
    }

    private async ValueTask<Outcome> DeleteRoleAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        RoleRecord(request.Fields.String("name")) is not { } record
            ? BadName()
            : Outcome.From(await _view.DeleteAsync(record, cancellation));

    private async ValueTask<Role?> RoleAsync(string name, CancellationToken cancellation)
    {
        using var entry = RoleRecord(name) is { } record ? await _view.GetAsync(record, cancellation) : null;
        return entry is null ? null : RabbitMqJson.Decode(entry.Value, RabbitMqJson.Default.Role);
    }

    private async ValueTask<LeaseConfig> LeaseAsync(CancellationToken cancellation)
    {
        using var entry = await _view.GetAsync(LeaseRecord, cancellation);
        return entry is null
            ? new LeaseConfig(TimeSpan.Zero, TimeSpan.Zero)
            : RabbitMqJson.Decode(entry.Value, RabbitMqJson.Default.LeaseConfig);
    }

    /// <summary>The broker as it is configured now; connections to it are kept while the configuration stays the same.</summary>
    private async ValueTask<(Broker? Broker, Fault? Fault)> BrokerAsync(CancellationToken cancellation)
    {
        using var entry = await _view.GetAsync(ConnectionRecord, cancellation);
        if (entry is null)
        {
            return (null, Fault.Unavailable("config/connection has not been set"));
        }

        if (_connected is { } connected && connected.Version == entry.Version)
        {
            return (connected.Broker, null);
        }

        var (broker, fault) = Broker.Of(RabbitMqJson.Decode(entry.Value, RabbitMqJson.Default.ConnectionConfig));
        if (broker is not null)
        {
            // The one before may still be at work; its connections close by themselves when they are idle.
            _connected = new Connected(broker, entry.Version);
        }

        return (broker, fault);
    }

    private async ValueTask<Outcome> SaveAsync(string record, byte[] plaintext, CancellationToken cancellation)
    {
        try
        {
            return Outcome.From(await _view.PutAsync(record, plaintext, cancellation));
        }
        finally
        {
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(plaintext);
        }
    }

    private static void Write(Utf8JsonWriter writer, Role role)
    {
        writer.WriteString("tags", role.Tags);
        writer.WriteStartObject("vhosts");
        foreach (var (vhost, permissions) in role.Vhosts)
        {
            writer.WriteStartObject(vhost);
            writer.WriteString("configure", permissions.Configure);
            writer.WriteString("write", permissions.Write);
            writer.WriteString("read", permissions.Read);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteStartObject("vhost_topics");
        foreach (var (vhost, exchanges) in role.VhostTopics)
        {
            writer.WriteStartObject(vhost);
            foreach (var (exchange, permissions) in exchanges)
            {
                writer.WriteStartObject(exchange);
                writer.WriteString("write", permissions.Write);
                writer.WriteString("read", permissions.Read);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    /// <summary>The record of a role, or null when that cannot be a role's name.</summary>
    private static string? RoleRecord(string name) =>
        name.Length is 0 or > 512 || name.Any(c => char.IsControl(c) || char.IsSurrogate(c) || c == '/')
            ? null
            : RoleFolder + name;

    private static Fault BadName() =>
        Fault.Invalid("a role's name has 1 to 512 characters, without slashes and control characters");

    private static Fault? UsernameProblem(string name) =>
        Encoding.UTF8.GetByteCount(name) is 0 or > MaxUsername || name is "." or ".." || name.Any(char.IsControl)
            ? Fault.Invalid(
                $"username_template gives a name that RabbitMQ cannot have: it must have 1 to {MaxUsername} bytes, without"
                    + " control characters"
            )
            : null;

    private static string Shown(string name) => name.Length <= 64 ? name : name[..64] + "…";

    private sealed record Connected(Broker Broker, long Version);
}
