using Mayfly.Client;
using Mayfly.Client.Logins;

namespace Mayfly.Agent.Identity;

/// <summary>The agent's own login. Safe for concurrent use.</summary>
internal sealed class AgentIdentity(MayflyClient client, LoginSession session, TimeProvider time)
{
    /// <summary>How long a request waits for a login that is under way.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>The least time between two checks of a token that was refused.</summary>
    private static readonly TimeSpan CheckRest = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private Task _check = Task.CompletedTask;
    private long? _checked;

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

    /// <summary>
    /// After the server refused the agent's token: another one to repeat the request with, or null when that was the policy's
    /// word. Without this a token that was revoked would be sent until it is due for renewal, days later perhaps.
    /// </summary>
    public async Task<string?> ReplaceRefusedAsync(string token, CancellationToken cancellation)
    {
        if (Current == token)
        {
            Task check;
            lock (_gate)
            {
                // Programs may be denied something all the time.
                if (_check.IsCompleted && (_checked is not { } at || time.GetElapsedTime(at) >= CheckRest))
                {
                    _checked = time.GetTimestamp();
                    _check = Task.Run(CheckAsync, CancellationToken.None);
                }

                check = _check;
            }

            await check.WaitAsync(Patience, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return Current is { Length: > 0 } other && other != token ? other : null;
    }

    /// <summary>The client tells a dead token from one that may not do something, and logs in anew when it is dead.</summary>
    private async Task CheckAsync()
    {
        try
        {
            await client.ReadAsync("auth/token/lookup-self", CancellationToken.None);
        }
        catch (MayflyException)
        {
            // The refusal stands, and the session goes on by itself.
        }
    }
}
