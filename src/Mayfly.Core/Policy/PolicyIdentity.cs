namespace Mayfly.Core.Policy;

/// <summary>Who a token belongs to, for the templates in policies. Immutable.</summary>
internal sealed record PolicyIdentity
{
    // Stands first: what follows is made with it.
    internal static readonly IReadOnlyDictionary<string, string> Nothing = new Dictionary<string, string>(
        StringComparer.Ordinal
    );

    /// <summary>Nobody: rules with templates never match.</summary>
    public static PolicyIdentity None { get; } = new();

    public string EntityId { get; init; } = "";

    public string EntityName { get; init; } = "";

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = Nothing;

    /// <summary>By the accessor of the auth mount.</summary>
    public IReadOnlyDictionary<string, PolicyIdentityAlias> Aliases { get; init; } =
        new Dictionary<string, PolicyIdentityAlias>(StringComparer.Ordinal);

    public IReadOnlyList<PolicyIdentityGroup> Groups { get; init; } = [];
}

/// <summary>What one auth mount calls the entity.</summary>
internal sealed record PolicyIdentityAlias(string Id, string Name)
{
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = PolicyIdentity.Nothing;

    public IReadOnlyDictionary<string, string> CustomMetadata { get; init; } = PolicyIdentity.Nothing;
}

/// <summary>A group that the entity is in.</summary>
internal sealed record PolicyIdentityGroup(string Id, string Name)
{
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = PolicyIdentity.Nothing;
}
