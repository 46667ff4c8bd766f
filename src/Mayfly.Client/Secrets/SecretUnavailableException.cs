namespace Mayfly.Client.Secrets;

/// <summary>There is no value that may be handed out. <see cref="Exception.InnerException"/> is why the last read failed.</summary>
public class SecretUnavailableException : Exception
{
    internal SecretUnavailableException(string name, string message, SecretSourceException? failure)
        : base(failure is null ? message : $"{message} {failure.Message}", failure)
    {
        Name = name;
        Reason = failure?.Reason;
    }

    /// <summary>The secret.</summary>
    public string Name { get; }

    /// <summary>Why the last read of the source failed; null when none has ended yet.</summary>
    public SecretFailure? Reason { get; }
}

/// <summary>
/// There was a value, but the source could not be asked for so long that it must not be used any more: its TTL and
/// <see cref="LiveSecretsOptions.MaxStale"/> have passed, or its lease has ended.
/// </summary>
public sealed class SecretExpiredException : SecretUnavailableException
{
    internal SecretExpiredException(string name, SecretSourceException? failure)
        : base(name, $"{name}: the last value is too old to be used.", failure) { }
}
