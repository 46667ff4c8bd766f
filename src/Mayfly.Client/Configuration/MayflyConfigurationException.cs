using Mayfly.Client.Secrets;

namespace Mayfly.Client.Configuration;

/// <summary>A program could not start, because a secret of its configuration was not to be had.</summary>
#pragma warning disable RCS1194 // Made by the configuration alone.
public sealed class MayflyConfigurationException : Exception
#pragma warning restore RCS1194
{
    internal MayflyConfigurationException(string name, TimeSpan limit, SecretUnavailableException? failure)
        : base(
            $"The configuration needs the secret {name}, which could not be read within {limit.TotalSeconds} s"
                + $"{(failure is null ? "" : $": {failure.Message}")} "
                + $"Set {nameof(MayflyConfigurationOptions.StartWithout)} or a last-known-good file to start nevertheless.",
            failure
        ) => Name = name;

    /// <summary>The secret.</summary>
    public string Name { get; }
}
