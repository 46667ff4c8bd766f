namespace Mayfly.Client.Databases;

/// <summary>A database user whose password the server rotates. Immutable.</summary>
/// <param name="Username">The user.</param>
/// <param name="Password">Its password.</param>
/// <param name="LastRotation">When the password was set, or null.</param>
/// <param name="RotationPeriod">How often it is; zero when it follows a schedule.</param>
/// <param name="Ttl">Until the next rotation.</param>
public sealed record StaticCredentials(
    string Username,
    SecretString Password,
    DateTimeOffset? LastRotation,
    TimeSpan RotationPeriod,
    TimeSpan Ttl
);
