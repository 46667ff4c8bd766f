namespace Mayfly.Client.Logins;

/// <summary>
/// Tells a dead token from a policy that forbids, after a 403: both look the same. Asks the server at a bounded rate, so that a
/// program that is denied something all the time causes neither look-ups nor logins all the time.
/// </summary>
internal sealed class TokenCheck(MayflyClient client)
{
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private Task<bool>? _running;
    private long? _since;
    private TimeSpan _rest = Rest;

    /// <summary>The server does not know the token any more. False when that was asked a short while ago.</summary>
    public async Task<bool> IsDeadAsync(string token, CancellationToken cancellationToken)
    {
        Task<bool> check;
        lock (_gate)
        {
            if (_running is null)
            {
                if (_since is { } since && client.Time.GetElapsedTime(since) < _rest)
                {
                    return false;
                }

                _running = Task.Run(() => AskAsync(token), CancellationToken.None);
            }

            check = _running;
        }

        return await check.WaitAsync(cancellationToken);
    }

    /// <summary>
    /// A new token did not help: the role may not look up its own token, so that dead and denied cannot be told apart. The next
    /// such login waits longer.
    /// </summary>
    public void TellRepeated(bool isRefusedAgain)
    {
        lock (_gate)
        {
            if (!isRefusedAgain)
            {
                _rest = Rest;
                _since = null;
                return;
            }

            _since = client.Time.GetTimestamp();
            _rest = _rest * 2 < LongestRest ? _rest * 2 : LongestRest;
        }
    }

    private async Task<bool> AskAsync(string token)
    {
        var isDead = false;
        try
        {
            var request = new MayflyRequest(HttpMethod.Get, "auth/token/lookup-self") { Token = token };
            isDead = (await client.SendAsync(request, CancellationToken.None)).Status == 403;
        }
        catch (MayflyConnectionException)
        {
            // Not known, so not dead; the request's own answer stands.
        }

        lock (_gate)
        {
            _running = null;
            _since = client.Time.GetTimestamp();
        }

        return isDead;
    }
}
