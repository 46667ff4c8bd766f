using Mayfly.Client.Telemetry;
using Mayfly.Client.Transport;

namespace Mayfly.Client.Logins;

/// <summary>
/// Logs in when a token is first asked for, and stays logged in until it is disposed of: renews at two thirds of the token's
/// life (up to a tenth of it earlier, at random), logs in anew when a renewal is refused or the token cannot live longer, and
/// tries again after failures with growing waits. A failure is told to those who ask meanwhile, and never kept for longer than its
/// wait. Safe for concurrent use; however many ask, there is one login at a time.
/// </summary>
public sealed class LoginSession : IAsyncDisposable
{
    // Timers reach 49 days; a token can live longer.
    private static readonly TimeSpan LongestSleep = TimeSpan.FromDays(20);

    // A login whose token has nothing left, time and again, must not become a busy loop.
    private static readonly TimeSpan ShortestSleep = TimeSpan.FromMilliseconds(500);

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

    private Task Start()
    {
        // What keeps the token alive belongs to no request, though one has set it going.
        using (ExecutionContext.SuppressFlow())
        {
            return Task.Run(RunAsync, CancellationToken.None);
        }
    }

    private async Task RunAsync()
    {
        var failures = 0;
        while (!_stop.IsCancellationRequested)
        {
            lock (_gate)
            {
                _isLoggingIn = true;
            }

            var asked = _time.GetTimestamp();
            try
            {
                var held = new HeldLogin(await LogInAsync(), _time, asked);
                failures = 0;
                Accept(held);
                await StayAsync(held);
            }
            catch (Exception failure) when (!_stop.IsCancellationRequested)
            {
                await PauseAsync(Fail(failure, ++failures));
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task<Login> LogInAsync()
    {
        using var activity = Activities.Login(_client.Server);
        try
        {
            var login = await _method.LoginAsync(_client, _stop.Token);
            Instruments.LoggedIn(_client.Server, Instruments.Word(failure: null));
            return login;
        }
        catch (Exception failure)
        {
            activity?.Failed(failure);
            Instruments.LoggedIn(_client.Server, Instruments.Word(failure));
            throw;
        }
    }

    /// <summary>Keeps the token alive; returns when it is time for another one.</summary>
    private async Task StayAsync(HeldLogin held)
    {
        var failures = 0;
        var pause = held.UntilAttention;
        while (!_stop.IsCancellationRequested)
        {
            if (await IsOverAsync(pause))
            {
                return;
            }

            if (held.UntilAttention > TimeSpan.Zero || !held.Expires)
            {
                // Woken by something else, or the wait is longer than a timer is.
                pause = held.UntilAttention;
                continue;
            }

            if (!held.Login.IsRenewable || held.IsNearItsEnd || held.IsExpired)
            {
                return;
            }

            using var activity = Activities.Renewal(_client.Server);
            try
            {
                held = await RenewAsync(held);
                Instruments.Renewed(_client.Server, Instruments.Word(failure: null));
                failures = 0;
                pause = held.UntilAttention;
            }
            catch (MayflyException failure) when (!_stop.IsCancellationRequested)
            {
                activity?.Failed(failure);
                Instruments.Renewed(_client.Server, Instruments.Word(failure));
                var wait = Wait(failure, ++failures);
                var isRefused = failure is MayflyApiException { Status: >= 400 and < 500 and not 429 };
                Tell(Failed, new LoginFailedEventArgs(failure, isRenewal: true, isRefused ? TimeSpan.Zero : wait));
                if (isRefused || held.UntilExpiry <= wait)
                {
                    return;
                }

                pause = wait;
            }
        }
    }

    /// <summary>Waits. True when another login is needed: the token was given up, or the method has another one.</summary>
    private async Task<bool> IsOverAsync(TimeSpan pause)
    {
        var began = _time.GetTimestamp();
        while (true)
        {
            var rest = pause == Timeout.InfiniteTimeSpan ? LongestSleep : pause - _time.GetElapsedTime(began);
            var watched = _method as IChangingLoginMethod;
            var sleep = watched is not null && rest > _options.WatchInterval ? _options.WatchInterval : rest;
            await PauseAsync(sleep < LongestSleep ? sleep : LongestSleep);
            if (
                _stop.IsCancellationRequested
                || _held is null
                || (watched is not null && await watched.HasChangedAsync(_stop.Token))
            )
            {
                return true;
            }

            if (pause != Timeout.InfiniteTimeSpan && _time.GetElapsedTime(began) >= pause)
            {
                return false;
            }
        }
    }

    private async Task<HeldLogin> RenewAsync(HeldLogin held)
    {
        var asked = _time.GetTimestamp();
        var request = new MayflyRequest(HttpMethod.Post, "auth/token/renew-self")
        {
            Token = held.Login.Token,
            Body = JsonBody.Of(("increment", DurationText.Of(_options.RenewalIncrement))),
        };
        var answer = Login.Read(await _client.SendAsync(request, _stop.Token));
        var was = held.Login;
        var login = new Login(was.Token)
        {
            // Zero of a token that expires is less than a second, not forever.
            LeaseDuration = answer.LeaseDuration > TimeSpan.Zero ? answer.LeaseDuration : TimeSpan.FromSeconds(1),
            IsRenewable = answer.IsRenewable,
            Accessor = was.Accessor,
            Policies = answer.Policies,
            EntityId = was.EntityId,
            TokenType = was.TokenType,
            IsOwn = was.IsOwn,
        };
        // Less than what was asked for: the token's maximum has cut it short.
        var expected =
            _options.RenewalIncrement is { } increment && increment < was.LeaseDuration ? increment : was.LeaseDuration;
        var isNearItsEnd = login.LeaseDuration < expected - TimeSpan.FromSeconds(1);
        var renewed = new HeldLogin(login, _time, asked, isNearItsEnd);
        lock (_gate)
        {
            if (_held is null)
            {
                // Given up meanwhile: the next wait sees it.
                return renewed;
            }

            _held = _last = renewed;
        }

        Tell(Renewed, new LoginEventArgs(login, was));
        return renewed;
    }

    private void Accept(HeldLogin held)
    {
        Login? previous;
        TaskCompletionSource<HeldLogin> outcome;
        lock (_gate)
        {
            previous = _last?.Login;
            _last = held;
            _held = _disposed == 0 ? held : null;
            _failure = null;
            _isLoggingIn = false;
            (outcome, _outcome) = (_outcome, NewOutcome());
        }

        outcome.TrySetResult(held);
        if (previous is null || !IsSame(previous.Token, held.Login.Token))
        {
            Tell(LoggedIn, new LoginEventArgs(held.Login, previous));
        }
    }

    private TimeSpan Fail(Exception failure, int failures)
    {
        var cause =
            failure as MayflyException
            ?? new LoginException($"the login method threw a {failure.GetType().Name}", failure);
        var wait = Wait(cause, failures);
        var told = new LoginException(
            $"could not log in: {cause.Message}",
            cause is LoginException ? cause.InnerException : cause
        )
        {
            RetryAfter = wait,
        };
        TaskCompletionSource<HeldLogin> outcome;
        lock (_gate)
        {
            _failure = (told, _time.GetTimestamp());
            _isLoggingIn = false;
            (outcome, _outcome) = (_outcome, NewOutcome());
        }

        outcome.TrySetException(told);
        _ = outcome.Task.Exception;
        Tell(Failed, new LoginFailedEventArgs(told, isRenewal: false, wait));
        return wait;
    }

    private TimeSpan Wait(MayflyException failure, int failures)
    {
        var wait = Backoff.After(failures, _options.FirstBackoff, _options.LongestBackoff);
        var asked = (failure as MayflyApiException)?.RetryAfter ?? TimeSpan.Zero;
        return asked <= wait ? wait
            : asked < _options.LongestBackoff ? asked
            : _options.LongestBackoff;
    }

    /// <summary>Waits, until something wakes the session.</summary>
    private async Task PauseAsync(TimeSpan pause)
    {
        Task woken;
        lock (_gate)
        {
            woken = _woken.Task;
        }

        pause = pause > ShortestSleep ? pause : ShortestSleep;
        await woken.WaitAsync(pause, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_gate)
        {
            if (_woken.Task.IsCompleted)
            {
                _woken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    private async Task RevokeAsync(string token)
    {
        try
        {
            await _client.SendAsync(
                new MayflyRequest(HttpMethod.Post, "auth/token/revoke-self") { Token = token },
                CancellationToken.None
            );
        }
        catch (MayflyException)
        {
            // It dies at its own time.
        }
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
