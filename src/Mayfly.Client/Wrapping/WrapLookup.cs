namespace Mayfly.Client.Wrapping;

/// <summary>What the server tells of a wrapping token without unwrapping it. Immutable.</summary>
/// <param name="CreationPath">The path whose answer is wrapped.</param>
/// <param name="CreationTime">When it was wrapped.</param>
/// <param name="CreationTtl">How long it waits from then.</param>
public sealed record WrapLookup(string CreationPath, DateTimeOffset? CreationTime, TimeSpan CreationTtl);
