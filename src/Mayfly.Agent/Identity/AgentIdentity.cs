using Mayfly.Client;
using Mayfly.Client.Logins;

namespace Mayfly.Agent.Identity;

/// <summary>The agent's own login. Safe for concurrent use.</summary>
internal sealed class AgentIdentity(MayflyClient client, LoginSession session, TimeProvider time)
{
    /// <summary>How long a request waits for a login that is under way.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>A client that sends the agent's token.</summary>
    public MayflyClient Client => client;

    public LoginSession Session => session;

    /// <summary>The token, or "" when the agent is not logged in.</summary>
    public string Current => session.Current?.Token ?? "";

    /// <summary>The token; waits a little for a login that is under way.</summary>
    /// <exception cref="LoginException">The agent is not logged in.</exception>
    public async ValueTask<string> TokenAsync(CancellationToken cancellation)
    {
        if (session.Current is { } login)
        {
            return login.Token;
        }

        try
        {
            return await session.GetTokenAsync(cancellation).AsTask().WaitAsync(Patience, time, cancellation);
        }
        catch (TimeoutException e)
        {
            throw new LoginException("the agent is not logged in yet", e);
        }
    }
}
