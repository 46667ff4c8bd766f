namespace Mayfly.Core;

/// <summary>Where a vault is in its life.</summary>
public enum VaultState
{
    Uninitialized,
    Sealed,
    Unsealed,
}
