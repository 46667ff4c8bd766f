using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mayfly.Core.Seal;

/// <summary>When the keyring gets a new KEK by itself. Immutable.</summary>
internal sealed record RotationPolicy
{
    /// <summary>
    /// Half of the 2^32 uses that NIST SP 800-38D allows an AES-GCM key with random nonces: what happens between the check and the
    /// rotation never comes near the limit.
    /// </summary>
    public const long DefaultMaxOperations = 1L << 31;

    /// <summary>As in Vault: nine tenths of the limit.</summary>
    public const long MostOperations = 3_865_470_566;

    /// <summary>As in Vault: rotating more often would only make work.</summary>
    public const long FewestOperations = 1_000_000;

    /// <summary>As in Vault: no interval is shorter.</summary>
    public static readonly TimeSpan ShortestInterval = TimeSpan.FromHours(24);

    public long MaxOperations { get; init; } = DefaultMaxOperations;

    /// <summary>The longest that a KEK stays in use; zero means that age does not matter.</summary>
    public TimeSpan Interval { get; init; }

    /// <summary>Switches rotation by age and by <see cref="MaxOperations"/>; the limit of the key itself always counts.</summary>
    public bool Enabled { get; init; } = true;

    public bool IsDue(long uses, TimeSpan age) =>
        uses >= MostOperations || (Enabled && (uses >= MaxOperations || (Interval > TimeSpan.Zero && age >= Interval)));
}

/// <summary>How far the re-wrapping for a KEK has come. Immutable.</summary>
internal sealed record RewrapProgress
{
    /// <summary>The KEK that everything is being wrapped with.</summary>
    public int Version { get; init; }

    /// <summary>The last record that was looked at, in hexadecimal; "" at the start.</summary>
    public string After { get; init; } = "";

    public long Looked { get; init; }

    /// <summary>
    /// This pass over the store found something to do. A write that took its key just before the rotation may land behind the
    /// walk, so it is done only when a whole pass found nothing.
    /// </summary>
    public bool PassAgain { get; init; }

    public long Rewrapped { get; init; }

    /// <summary>Records that could not be re-wrapped since they are damaged; they stay as they are.</summary>
    public long Damaged { get; init; }

    public bool Complete { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RotationPolicy))]
[JsonSerializable(typeof(RewrapProgress))]
internal sealed partial class RotationJson : JsonSerializerContext;
