namespace Mayfly.Core.Rotation;

/// <summary>Names a rotation in the store. Immutable.</summary>
/// <param name="MountUuid">The mount whose secret it is; "" for one that an operator configured under a name of its own.</param>
/// <param name="Target">The engine's name for the secret, or the rotation's own name.</param>
internal readonly record struct RotationId(string MountUuid, string Target)
{
    private const string Named = "named/";
    private const string Mounts = "mount/";

    /// <summary>What the addresses of records begin with.</summary>
    public static IReadOnlyList<string> Roots { get; } = [Named, Mounts];

    public bool IsNamed => MountUuid.Length == 0;

    /// <summary>The address of its record.</summary>
    public string Path => IsNamed ? Named + Target : $"{Mounts}{MountUuid}/{Target}";

    /// <summary>A rotation that was configured under a name of its own.</summary>
    public static RotationId Of(string name) => new("", name);

    /// <summary>The id whose record is at <paramref name="path"/>, or null when that is no rotation's.</summary>
    public static RotationId? From(string path)
    {
        if (path.StartsWith(Named, StringComparison.Ordinal))
        {
            return Of(path[Named.Length..]);
        }

        if (!path.StartsWith(Mounts, StringComparison.Ordinal))
        {
            return null;
        }

        var slash = path.IndexOf('/', Mounts.Length);
        return new RotationId(path[Mounts.Length..slash], path[(slash + 1)..]);
    }
}
