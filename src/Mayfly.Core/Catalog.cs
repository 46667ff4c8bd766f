using Mayfly.Core.Auth.AppRole;
using Mayfly.Core.Auth.UserPass;
using Mayfly.Core.Engines;
using Mayfly.Core.Engines.Cubbyhole;
using Mayfly.Core.Engines.Database;
using Mayfly.Core.Engines.Kv;
using Mayfly.Core.Engines.RabbitMq;

namespace Mayfly.Core;

/// <summary>Everything that can be plugged in, one line each. Adding an engine or auth method ends here.</summary>
public static class Catalog
{
    public static IReadOnlyList<EngineType> Engines { get; } =
    [
        // Secrets engines.
        KvTypes.Kv,
        KvTypes.KvV1,
        KvTypes.KvV2,
        KvTypes.Generic,
        CubbyholeEngine.Type,
        DatabaseEngine.Type,
        RabbitMqEngine.Type,
        // Auth methods.
        AppRoleAuth.Type,
        UserPassAuth.Type,
    ];

    /// <summary>The type of that name and kind, or null.</summary>
    public static EngineType? Find(this IReadOnlyList<EngineType> engines, EngineKind kind, string name) =>
        engines.FirstOrDefault(type => type.Kind == kind && type.Name == name);

    /// <summary>
    /// The type that a new mount called <paramref name="name"/> gets, and its options: names such as <c>kv-v2</c> stand for
    /// another type with an option. Null when there is no such type.
    /// </summary>
    public static (EngineType Type, IReadOnlyDictionary<string, string> Options)? Resolve(
        this IReadOnlyList<EngineType> engines,
        EngineKind kind,
        string name,
        IReadOnlyDictionary<string, string> options
    )
    {
        if (engines.Find(kind, name) is not { } type)
        {
            return null;
        }

        return type.StandsFor is { } alias && engines.Find(kind, alias.Type) is { } real
            ? (real, new Dictionary<string, string>(options, StringComparer.Ordinal) { [alias.Option] = alias.Value })
            : (type, options);
    }
}
