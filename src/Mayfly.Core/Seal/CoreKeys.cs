using Mayfly.Core.Storage;

namespace Mayfly.Core.Seal;

/// <summary>Where the records stand that are needed before the keyring is open, and those about the keyring.</summary>
internal static class CoreKeys
{
    private static readonly StoreKey Core = StoreKey.Root.Append("core");

    /// <summary>The <see cref="SealRecord"/>: its existence means that the vault is initialized.</summary>
    public static StoreKey Seal { get; } = Core.Append("seal");

    /// <summary>The keyring, wrapped by the root key.</summary>
    public static StoreKey Keyring { get; } = Core.Append("keyring");

    /// <summary>Stands while an initialization is under way: what it left behind after a crash may be removed.</summary>
    public static StoreKey Initializing { get; } = Core.Append("initializing");

    /// <summary>How far the re-wrapping has come. An envelope.</summary>
    public static StoreKey Rewrap { get; } = Core.Append("rewrap");

    /// <summary>When the keyring rotates by itself. An envelope.</summary>
    public static StoreKey RotationPolicy { get; } = Core.Append("rotation-policy");

    /// <summary>Whether the record is no envelope.</summary>
    public static bool IsRaw(StoreKey key) => key == Seal || key == Keyring || key == Initializing;
}
