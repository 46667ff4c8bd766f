using System.Text.Json;
using Mayfly.Core.Naming;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Engines.Database;

/// <summary>The paths of a database's configuration: <c>config/NAME</c>, <c>config</c> and <c>reset/NAME</c>.</summary>
internal sealed class ConnectionPaths(View view, OpenConnections connections, IRotations rotations)
{
    public static readonly FieldSpec Name = new("name", FieldType.String, "Name of the configured database.");

    private const string UrlPasswordWarning =
        "Password found in connection_url, use a templated url to enable root rotation and prevent read access to password "
        + "information.";

    /// <summary>Settings that are shown again as they were sent.</summary>
    private static readonly FieldSpec[] Details =
    [
        new("connection_url", FieldType.String, "Where the database is, with {{username}} and {{password}} in it."),
        new("username", FieldType.String, "The user that the server makes users with."),
        new("username_template", FieldType.String, "How users are named, in Vault's templates."),
        new("max_open_connections", FieldType.Int, "How many connections may be open at once; 4 unless set."),
        new(
            "max_idle_connections",
            FieldType.Int,
            "Kept for clients that set it: connections that are idle are closed after a while."
        ),
        new("max_connection_lifetime", FieldType.Duration, "How old a connection may get; zero for any age."),
        new(
            "tls_ca",
            FieldType.String,
            "Certificate authorities that the database's certificate is checked against, in PEM."
        ),
        new("tls_certificate", FieldType.String, "The certificate that the server shows to the database, in PEM."),
        .. DatabaseKind.All.SelectMany(kind => kind.Settings),
    ];

    /// <summary>Settings that are never shown again; the password apart.</summary>
    private static readonly FieldSpec[] Secrets =
    [
        new("private_key", FieldType.String, "The key of tls_certificate, in PEM. Never shown again."),
        .. DatabaseKind.All.SelectMany(kind => kind.SecretSettings),
    ];

    private static readonly FieldSpec[] Fields =
    [
        Name,
        new("plugin_name", FieldType.String, "The kind of database, such as postgresql-database-plugin."),
        new("plugin_version", FieldType.String, "Kinds of databases are part of the server.") { Ignored = true },
        new("password", FieldType.String, "The password of username. Never shown again."),
        .. Secrets,
        new("allowed_roles", FieldType.StringList, "Names of roles that may use it; * for all."),
        new("verify_connection", FieldType.Bool, "Try to connect before this is stored; true unless set."),
        new("root_rotation_statements", FieldType.Texts, "Statements that change the password of username."),
        new("password_policy", FieldType.String, "The policy that passwords are made by."),
        new("disable_escaping", FieldType.Bool, "What {{username}} and {{password}} stand for never needs escaping.")
        {
            Ignored = true,
        },
        .. Details,
        .. RootTerms.Fields,
    ];

    public IReadOnlyList<PathEntry> Entries =>
        [
            new PathEntry("config") { Help = "List the configured databases.", List = ListAsync },
            new PathEntry("config/{name}")
            {
                Help = "Configure a database: where it is, who the server is there, and which roles may use it.",
                Fields = Fields,
                Read = ReadAsync,
                Write = WriteAsync,
                Delete = DeleteAsync,
                Exists = ExistsAsync,
            },
            new PathEntry("reset/{name}")
            {
                Help = "Close the connections to a database, and open new ones.",
                Fields = [Name],
                Write = ResetAsync,
            },
        ];

    private async ValueTask<bool> ExistsAsync(PathMatch match, CancellationToken cancellation) =>
        ConfigName.IsUsable(match.Captures["name"]!)
        && await view.ExistsAsync(OpenConnections.Folder + match.Captures["name"], cancellation);

    private async ValueTask<Outcome> ListAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        Response.Keys(await view.ListAsync(OpenConnections.Folder, cancellation));

    private async ValueTask<Outcome> ReadAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("name");
        if (!ConfigName.IsUsable(name) || await connections.FindAsync(name, cancellation) is not { Config: var config })
        {
            return Fault.NotFound();
        }

        var times = await rotations.TimesAsync(RootTerms.Target(name), cancellation);
        return Response.Object(writer => Show(writer, config, times));
    }

    private async ValueTask<Outcome> WriteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("name");
        if (ConfigName.Problem(name) is { } unusable)
        {
            return unusable;
        }

        var found = await connections.FindAsync(name, cancellation);
        var config = Merge(found?.Config, request.Fields);
        if (config.PluginName.Length == 0)
        {
            return Fault.Invalid("empty plugin name");
        }

        var (terms, fault) = RootTerms.Of(config);
        if (terms is null)
        {
            return fault!;
        }

        (var connection, fault) = connections.Make(name, config);
        if (connection is null)
        {
            return fault!;
        }

        try
        {
            fault = CheckTemplate(connection);
            if (fault is null && config.VerifyConnection)
            {
                fault = await connection.UseAsync((database, limit) => database.VerifyAsync(limit), cancellation);
            }

            if (fault is not null)
            {
                return Fault.Invalid(
                    $"error creating database object: error verifying connection: {fault.Messages[0]}"
                );
            }
        }
        finally
        {
            await connection.CloseAsync();
        }

        var batch = new Batch();
        using (var record = config.Write())
        {
            view.Put(batch, OpenConnections.Folder + name, record.Span, expectedVersion: found?.Version ?? 0);
        }

        await rotations.PutAsync(batch, RootTerms.Target(name), terms, cancellation);
        var result = await view.CommitAsync(batch, cancellation);
        if (!result.Succeeded)
        {
            return Fault.From(result);
        }

        await connections.CloseAsync(name);
        var response = Response.Empty;
        if (connection.Kind.ShowUrl(config.Url) != config.Url)
        {
            response.Warnings.Add(UrlPasswordWarning);
        }

        return response;
    }

    private async ValueTask<Outcome> DeleteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("name");
        if (!ConfigName.IsUsable(name))
        {
            return Outcome.Done;
        }

        var batch = new Batch();
        view.Delete(batch, OpenConnections.Folder + name);
        await rotations.DeleteAsync(batch, RootTerms.Target(name), cancellation);
        var result = await view.CommitAsync(batch, cancellation);
        await connections.CloseAsync(name);
        return Outcome.From(result);
    }

    private async ValueTask<Outcome> ResetAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("name");
        if (ConfigName.Problem(name) is { } unusable)
        {
            return unusable;
        }

        await connections.CloseAsync(name);
        var (connection, fault) = await connections.GetAsync(name, cancellation);
        fault ??= await connection!.UseAsync((database, limit) => database.VerifyAsync(limit), cancellation);
        return fault is null ? Outcome.Done : fault;
    }

    private static Fault? CheckTemplate(OpenConnection connection)
    {
        if (connection.Config.UsernameTemplate.Length == 0)
        {
            return null;
        }

        var (template, fault) = NameTemplate.Parse(connection.Config.UsernameTemplate);
        return fault ?? UserNames.Problem(template!, connection.Kind);
    }

    /// <summary>What was sent over what was there: what is not sent stays.</summary>
    private static ConnectionConfig Merge(ConnectionConfig? old, FieldValues fields)
    {
        var password = fields.StringOrNull("password");
        return new ConnectionConfig
        {
            PluginName = fields.StringOrNull("plugin_name") ?? old?.PluginName ?? "",
            AllowedRoles = fields.StringListOrNull("allowed_roles") ?? old?.AllowedRoles ?? [],
            RootRotationStatements =
                fields.TextsOrNull("root_rotation_statements") ?? old?.RootRotationStatements ?? [],
            PasswordPolicy = fields.StringOrNull("password_policy") ?? old?.PasswordPolicy ?? "",
            VerifyConnection = fields.BoolOrNull("verify_connection") ?? true,
            Password = password ?? old?.Password ?? "",
            PendingPassword = password is null ? old?.PendingPassword ?? "" : "",
            Secrets = Merge(old?.Secrets, Secrets, fields),
            Details = Merge(old?.Details, Details, fields),
            RootSchedule = Merge(old?.RootSchedule, RootTerms.Fields, fields),
        };
    }

    private static Dictionary<string, string> Merge(
        IReadOnlyDictionary<string, string>? old,
        FieldSpec[] settings,
        FieldValues fields
    )
    {
        var merged = new Dictionary<string, string>(old ?? Role.NoConfig, StringComparer.Ordinal);
        foreach (var setting in settings)
        {
            if (fields.StringOrNull(setting.Name) is { } value)
            {
                merged[setting.Name] = value;
            }
        }

        return merged;
    }

    private static string Shown(ConnectionConfig config) =>
        DatabaseKind.Find(config.PluginName)?.ShowUrl(config.Url) ?? "(not readable)";

    private static void Show(Utf8JsonWriter writer, ConnectionConfig config, RotationTimes? times)
    {
        writer.WriteString("plugin_name", config.PluginName);
        writer.WriteString("plugin_version", "");
        writer.WriteStartObject("connection_details");
        foreach (var (name, value) in config.Details)
        {
            if (name is "max_open_connections" or "max_idle_connections" && long.TryParse(value, out var number))
            {
                writer.WriteNumber(name, number);
            }
            else
            {
                writer.WriteString(name, name == "connection_url" ? Shown(config) : value);
            }
        }

        writer.WriteEndObject();
        Stored.Write(writer, "allowed_roles", config.AllowedRoles);
        Stored.Write(writer, "root_credentials_rotate_statements", config.RootRotationStatements);
        writer.WriteString("password_policy", config.PasswordPolicy);
        writer.WriteBoolean("verify_connection", config.VerifyConnection);
        foreach (var (name, value) in config.RootSchedule)
        {
            writer.WriteString(name, value);
        }

        if (times?.Last is { } last)
        {
            writer.WriteString("last_root_rotation", GoTime.Format(last));
        }

        if (times?.Next is { } next)
        {
            writer.WriteString("next_root_rotation", GoTime.Format(next));
        }

        if (times is { LastError.Length: > 0 })
        {
            writer.WriteString("last_rotation_error", times.LastError);
        }
    }
}
