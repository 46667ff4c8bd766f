namespace Mayfly.Client.Logins;

/// <summary>
/// Logs in when a token is first asked for, and stays logged in until it is disposed of: renews at two thirds of the token's
/// life (up to a tenth of it earlier, at random), logs in anew when a renewal is refused or the token cannot live longer, and
/// tries again after failures with growing waits. A failure is told to those who ask meanwhile, and never kept for longer than its
/// wait. Safe for concurrent use; however many ask, there is one login at a time.
/// </summary>
public sealed partial class LoginSession : IAsyncDisposable
{
    private readonly MayflyClient _client;
    private readonly ILoginMethod _method;
    private readonly LoginSessionOptions _options;
    private readonly TimeProvider _time;
    private readonly TokenCheck _check;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();

    // What callers get; null when there is nothing to give, or it was given up.
    private volatile HeldLogin? _held;
    private HeldLogin? _last;
    private TaskCompletionSource<HeldLogin> _outcome = NewOutcome();
    private TaskCompletionSource _woken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private (LoginException Exception, long Since)? _failure;
    private bool _isLoggingIn;
    private Task? _loop;
    private int _disposed;

    /// <summary>A session that sends nothing yet.</summary>
    /// <param name="client">Where to log in. Its own token or session is not used; it is not disposed of.</param>
    /// <param name="method">How to log in.</param>
    /// <param name="options">How the session behaves.</param>
    public LoginSession(MayflyClient client, ILoginMethod method, LoginSessionOptions? options = null)
    {
        _client = client.WithoutIdentity();
        _method = method;
        _options = options ?? new LoginSessionOptions();
        _time = client.Time;
        _check = new TokenCheck(_client);
    }

    /// <summary>
    /// There is another token. Handlers run on the session's own task, one after the other: they return soon, and what they
    /// throw is dropped.
    /// </summary>
    public event EventHandler<LoginEventArgs>? LoggedIn;

    /// <summary>The token lives longer than before. As <see cref="LoggedIn"/>; both logins have the same token.</summary>
    public event EventHandler<LoginEventArgs>? Renewed;

    /// <summary>A login or a renewal failed. Handlers as for <see cref="LoggedIn"/>.</summary>
    public event EventHandler<LoginFailedEventArgs>? Failed;

    /// <summary>The login whose token is valid as far as is known; null before the first and after the last.</summary>
    public Login? Current => _held is { IsExpired: false } held ? held.Login : null;

    /// <summary>Why the last login failed; null when it succeeded, or there was none.</summary>
    public LoginException? LastFailure
    {
        get
        {
            lock (_gate)
            {
                return _failure?.Exception;
            }
        }
    }

    /// <summary>A token. Waits for a login only when there is none.</summary>
    /// <param name="cancellationToken">Stops waiting; the login goes on for others.</param>
    /// <exception cref="LoginException">The login has failed. The next try is after <see cref="LoginException.RetryAfter"/>.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public ValueTask<string> GetTokenAsync(CancellationToken cancellationToken = default) =>
        Current is { } login ? new ValueTask<string>(login.Token) : new ValueTask<string>(WaitAsync(cancellationToken));

    /// <summary>Gives the token up and logs in anew, now and whatever the last failure was.</summary>
    /// <param name="cancellationToken">Stops waiting; the login goes on for others.</param>
    /// <returns>The new token.</returns>
    /// <exception cref="LoginException">The login has failed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public async Task<string> LogInAgainAsync(CancellationToken cancellationToken = default)
    {
        Task? begunBefore;
        lock (_gate)
        {
            begunBefore = _isLoggingIn ? _outcome.Task : null;
        }

        if (begunBefore is not null)
        {
            await begunBefore.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }

        lock (_gate)
        {
            _held = null;
            _failure = null;
            _woken.TrySetResult();
        }

        return await WaitAsync(cancellationToken);
    }

    /// <summary>
    /// Ends the session. Revokes its token when <see cref="LoginSessionOptions.RevokeAtEnd"/> says so; when that fails, the
    /// token dies at its own time.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (!Stop() || _loop is not { } loop)
        {
            return;
        }

        await loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_options.RevokeAtEnd && _last is { IsExpired: false, Login.IsOwn: true } last)
        {
            await RevokeAsync(last.Login.Token);
        }

        _stop.Dispose();
    }

    /// <summary>What happens at once when the session ends. False when it already has.</summary>
    internal bool Stop()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return false;
        }

        lock (_gate)
        {
            _held = null;
            _outcome.TrySetException(Ended());
            _ = _outcome.Task.Exception;
        }

        _stop.Cancel();
        return true;
    }

    /// <summary>
    /// After a 403: another token to repeat the request with, or null when the answer is the policy's word. Whether the token is
    /// dead is looked up, at a bounded rate.
    /// </summary>
    internal async Task<string?> ReplaceRefusedAsync(string token, CancellationToken cancellationToken)
    {
        var login = Current;
        if (login is not null && !IsSame(login.Token, token))
        {
            return login.Token;
        }

        if (login is not null)
        {
            if (!await _check.IsDeadAsync(token, cancellationToken))
            {
                return null;
            }

            lock (_gate)
            {
                if (_held is { } held && IsSame(held.Login.Token, token))
                {
                    _held = null;
                    _woken.TrySetResult();
                }
            }
        }

        var next = await GetTokenAsync(cancellationToken);
        return IsSame(next, token) ? null : next;
    }

    /// <summary>What came of the request that was repeated with the token of <see cref="ReplaceRefusedAsync"/>.</summary>
    internal void TellRepeated(bool isRefusedAgain) => _check.TellRepeated(isRefusedAgain);

    private static bool IsSame(string token, string other) => string.Equals(token, other, StringComparison.Ordinal);

    private static TaskCompletionSource<HeldLogin> NewOutcome() =>
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static ObjectDisposedException Ended() => new(nameof(LoginSession), "the session has ended");

    private async Task<string> WaitAsync(CancellationToken cancellationToken)
    {
        Task<HeldLogin> outcome;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            if (Current is { } login)
            {
                return login.Token;
            }

            if (
                _failure is { } failure
                && _time.GetElapsedTime(failure.Since) is var passed
                && passed < failure.Exception.RetryAfter
            )
            {
                // A new exception for each: they are thrown on several threads.
                throw new LoginException(failure.Exception.Message, failure.Exception.InnerException)
                {
                    RetryAfter = failure.Exception.RetryAfter - passed,
                };
            }

            _loop ??= Start();
            outcome = _outcome.Task;
        }

        return (await outcome.WaitAsync(cancellationToken)).Login.Token;
    }

    private void Tell<T>(EventHandler<T>? handlers, T what)
        where T : EventArgs
    {
        if (handlers is null)
        {
            return;
        }

        foreach (var handler in handlers.GetInvocationList())
        {
            try
            {
                ((EventHandler<T>)handler)(this, what);
            }
#pragma warning disable CA1031 // A listener must not end the session.
            catch (Exception)
            {
                // It was told; what it makes of that is its own.
            }
#pragma warning restore CA1031
        }
    }
}
