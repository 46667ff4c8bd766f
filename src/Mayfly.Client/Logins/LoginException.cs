namespace Mayfly.Client.Logins;

/// <summary>There is no login. The inner exception, if any, is why: the server's refusal, no answer, a file that cannot be read.</summary>
public sealed class LoginException : MayflyException
{
    /// <summary>For a method that cannot log in.</summary>
    /// <param name="message">Why, and what to do; without secrets.</param>
    /// <param name="inner">What happened, or null.</param>
    public LoginException(string message, Exception? inner = null)
        : base(message, inner) { }

    /// <summary>From a session: how long it waits until it tries again. Zero when it does not.</summary>
    public TimeSpan RetryAfter { get; init; }

    /// <summary>The server has answered, and refuses: trying again with the same credentials will hardly help.</summary>
    public bool IsRefusal => InnerException is MayflyApiException { Status: >= 400 and < 500 and not 429 };
}
