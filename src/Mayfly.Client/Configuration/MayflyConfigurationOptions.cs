using Mayfly.Client.Secrets;

namespace Mayfly.Client.Configuration;

/// <summary>A secret whose fields become keys of the configuration.</summary>
/// <param name="Name">The secret, in the words of its source: <c>secret/data/app</c>.</param>
/// <param name="Section">Where its fields are put: <c>Database</c> makes <c>Database:password</c> of <c>password</c>. Empty for the root.</param>
public sealed record ConfiguredSecret(string Name, string Section = "")
{
    /// <summary>
    /// Fields that get another key, by their name; the key stands below <see cref="Section"/>. Others keep their name.
    /// </summary>
    public IReadOnlyDictionary<string, string> Keys { get; init; } = new Dictionary<string, string>(0);

    /// <summary>Fields that <see cref="Keys"/> does not name are left out.</summary>
    public bool OnlyKeys { get; init; }

    /// <summary>The program can do without: no keys while there is no such secret, or it may not be read.</summary>
    public bool IsOptional { get; init; }
}

/// <summary>Which secrets are configuration, and how the program starts. Immutable once it is in use.</summary>
public sealed record MayflyConfigurationOptions
{
    /// <summary>The secrets. Later ones win where keys are the same.</summary>
    public required IReadOnlyList<ConfiguredSecret> Secrets { get; init; }

    /// <summary>
    /// The longest that start-up waits for the first values, in all; a value of the last-known-good file counts. Zero to start
    /// without waiting.
    /// </summary>
    public TimeSpan StartLimit { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Start without the values that could not be had within <see cref="StartLimit"/>: their keys come as soon as the server
    /// does, and options are reloaded. Otherwise starting fails, and says why.
    /// </summary>
    public bool StartWithout { get; init; }
}
