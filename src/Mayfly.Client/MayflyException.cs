namespace Mayfly.Client;

/// <summary>What can go wrong between this client and the server. No message of it holds a secret.</summary>
public abstract class MayflyException : Exception
{
    private protected MayflyException(string message, Exception? inner = null)
        : base(message, inner) { }
}
