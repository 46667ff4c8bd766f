namespace Mayfly.Core.Engines.Kv;

/// <summary>What is known of one version of a secret, besides its value. Times are UTC ticks.</summary>
/// <param name="Created">When it was written.</param>
/// <param name="Deletion">When it was or will be deleted; 0 for never.</param>
/// <param name="Destroyed">The value is gone for good.</param>
internal readonly record struct VersionState(long Created, long Deletion, bool Destroyed)
{
    /// <summary>Deleted by someone, or by its age.</summary>
    public bool IsDeleted(long now) => Deletion != 0 && Deletion <= now;

    /// <summary>Its value can be read.</summary>
    public bool IsLive(long now) => !Destroyed && !IsDeleted(now);
}
