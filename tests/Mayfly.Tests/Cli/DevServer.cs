namespace Mayfly.Tests.Cli;

/// <summary>One development server for all tests of verbs. Each test makes mounts and names of its own.</summary>
public sealed class DevServer : IAsyncLifetime
{
    private int _names;

    internal ServerProcess Process { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Process = await ServerProcess.StartDevAsync();

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    /// <summary>A command line of somebody with the root token.</summary>
    internal CommandLine AsRoot() => new(Process.Address, ServerProcess.DevToken);

    /// <summary>A command line with another token, or none.</summary>
    internal CommandLine As(string? token) => new(Process.Address, token);

    /// <summary>A name that no other test has.</summary>
    internal string Name(string stem) => $"{stem}{Interlocked.Increment(ref _names)}";
}

[CollectionDefinition(Name)]
public sealed class DevServerTests : ICollectionFixture<DevServer>
{
    public const string Name = "development server";
}
