namespace Mayfly.Client.Kv;

/// <summary>Settings of a secret; what is null stays as it is. Immutable.</summary>
public sealed record KvMetadataChange
{
    /// <summary>How many versions are kept; 0 for what the engine says.</summary>
    public int? MaxVersions { get; init; }

    /// <summary>Every write has to say which version it replaces.</summary>
    public bool? IsCasRequired { get; init; }

    /// <summary>How long a version lives; zero for without end.</summary>
    public TimeSpan? DeleteVersionAfter { get; init; }

    /// <summary>What to note of the secret, instead of all that was noted before.</summary>
    public IReadOnlyDictionary<string, string>? CustomMetadata { get; init; }
}
