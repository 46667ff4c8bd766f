using Mayfly.Client.Telemetry;
using Mayfly.Client.Transport;

namespace Mayfly.Client.Logins;

/// <content>How the login is kept: one task from the first call to the end.</content>
public sealed partial class LoginSession
{
    // Timers reach 49 days; a token can live longer.
    private static readonly TimeSpan LongestSleep = TimeSpan.FromDays(20);

    // A login whose token has nothing left, time and again, must not become a busy loop.
    private static readonly TimeSpan ShortestSleep = TimeSpan.FromMilliseconds(500);

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
}
