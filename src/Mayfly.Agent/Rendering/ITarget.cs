using Mayfly.Agent.Templates;

namespace Mayfly.Agent.Rendering;

/// <summary>Where the output of a template goes: a file, or an environment variable.</summary>
internal interface ITarget
{
    /// <summary>Names it in messages.</summary>
    string Name { get; }

    /// <summary>The file, for templates that look at what they have made before; null when it is none.</summary>
    string? Path { get; }

    /// <summary>Takes a whole output. True when it is another than before.</summary>
    /// <exception cref="IOException">It cannot be kept; what was there before still is.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be kept.</exception>
    bool Take(byte[] output, IReadOnlyList<SideFile> files);

    /// <summary>What is to be done after a change: a command, a signal.</summary>
    /// <exception cref="IOException">It failed, and is worth another try.</exception>
    Task ActAsync(CancellationToken stop);
}
