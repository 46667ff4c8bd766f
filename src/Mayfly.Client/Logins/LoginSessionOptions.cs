namespace Mayfly.Client.Logins;

/// <summary>How a <see cref="LoginSession"/> behaves. Immutable.</summary>
public sealed record LoginSessionOptions
{
    /// <summary>The wait after the first failure. It doubles with each further one; half of it is random.</summary>
    public TimeSpan FirstBackoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait between two tries.</summary>
    public TimeSpan LongestBackoff { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Revoke the token when the session is disposed of asynchronously, if its login made it. The credentials that were issued
    /// with it end too.
    /// </summary>
    public bool RevokeAtEnd { get; init; }

    /// <summary>What to ask for at a renewal; null for what the token's role grants.</summary>
    public TimeSpan? RenewalIncrement { get; init; }

    /// <summary>How often a token file is looked at for another token.</summary>
    public TimeSpan WatchInterval { get; init; } = TimeSpan.FromSeconds(5);
}
