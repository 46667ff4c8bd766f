using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Client.Hosting;

/// <summary>What <see cref="MayflyServices"/> makes for a program. Immutable: change it with <c>with</c>.</summary>
public sealed record MayflySetup
{
    /// <summary>Where the server is, and who calls it. From the environment unless it is set.</summary>
    public required MayflyClientOptions Client { get; init; }

    /// <summary>How live secrets are kept fresh.</summary>
    public LiveSecretsOptions Secrets { get; init; } = new();

    /// <summary>How secrets are read, and what the program calls itself.</summary>
    public MayflySecretSourceOptions Source { get; init; } = new();
}
