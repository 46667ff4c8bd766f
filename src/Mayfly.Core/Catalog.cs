using Mayfly.Core.Auth.UserPass;
using Mayfly.Core.Engines;

namespace Mayfly.Core;

/// <summary>Everything that can be plugged in, one line each. Adding an engine or auth method ends here.</summary>
public static class Catalog
{
    public static IReadOnlyList<EngineType> Engines { get; } = [UserPassAuth.Type];

    /// <summary>The type of that name and kind, or null.</summary>
    public static EngineType? Find(EngineKind kind, string name) =>
        Engines.FirstOrDefault(type => type.Kind == kind && type.Name == name);
}
