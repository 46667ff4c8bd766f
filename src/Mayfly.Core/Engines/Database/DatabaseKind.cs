using Mayfly.Core.Engines.Database.MariaDb;
using Mayfly.Core.Engines.Database.PostgreSql;
using Mayfly.Core.Engines.Database.Redis;
using Mayfly.Core.Naming;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database;

/// <summary>A kind of database: one folder, and one line in <see cref="All"/>. Immutable.</summary>
internal sealed record DatabaseKind
{
    public static IReadOnlyList<DatabaseKind> All { get; } = [PostgresKind.Kind, MariaDbKind.Kind, RedisKind.Kind];

    /// <summary>What <c>plugin_name</c> may be for it.</summary>
    public required IReadOnlyList<string> PluginNames { get; init; }

    /// <summary>How its users are named unless the configuration says otherwise.</summary>
    public required NameTemplate UserName { get; init; }

    /// <summary>The longest name of a user, in bytes of UTF-8.</summary>
    public required int MaxNameBytes { get; init; }

    /// <summary>Settings of a configuration that only this kind has; shown again as they were sent.</summary>
    public IReadOnlyList<FieldSpec> Settings { get; init; } = [];

    /// <summary>Settings of a configuration that only this kind has; never shown again.</summary>
    public IReadOnlyList<FieldSpec> SecretSettings { get; init; } = [];

    /// <summary>A connection_url as it may be shown: another text than it was when a password stands in it.</summary>
    public required Func<string, string> ShowUrl { get; init; }

    /// <summary>
    /// Gets ready to connect, without connecting yet. The second argument is what the
    /// server knows of its own sessions there.
    /// </summary>
    public required Func<ConnectionConfig, Sessions, (IDatabase? Database, Fault? Fault)> Open { get; init; }

    /// <summary>What is wrong with a role's statements, or null.</summary>
    public required Func<Role, Fault?> CheckRole { get; init; }

    /// <summary>What is wrong with a static role's rotation_statements, or null.</summary>
    public required Func<IReadOnlyList<string>, Fault?> CheckRotation { get; init; }

    public static DatabaseKind? Find(string pluginName) =>
        All.FirstOrDefault(kind => kind.PluginNames.Contains(pluginName));
}
