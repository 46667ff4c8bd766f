namespace Mayfly.Client;

/// <summary>No answer came: the server is unreachable, not trusted, too slow, or does not speak HTTP.</summary>
public sealed class MayflyConnectionException : MayflyException
{
    internal MayflyConnectionException(string message, Exception inner)
        : base(message, inner) { }
}
