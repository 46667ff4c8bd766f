using Mayfly.Client.Telemetry;
using Polly;
using Polly.CircuitBreaker;

namespace Mayfly.Client.Secrets;

/// <summary>
/// Calls a source with what keeps a bad one from doing harm: a limit of time for each call, a limit of calls at once, and a
/// circuit breaker, so that a source that is down is asked by one call now and then instead of by all. Whatever goes wrong comes
/// out as a <see cref="SecretSourceException"/>. Safe for concurrent use.
/// </summary>
#pragma warning disable CA1001 // Calls may be under way to the end, and a semaphore whose handle is never asked for holds none.
internal sealed class GuardedSource
#pragma warning restore CA1001
{
    private static readonly TimeSpan Break = TimeSpan.FromSeconds(5);

    // How long a call may go on after it was told to stop.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private readonly LiveSecretsOptions _options;
    private readonly SemaphoreSlim _places;
    private readonly Lazy<ResiliencePipeline> _breaker;

    public GuardedSource(ISecretSource source, LiveSecretsOptions options)
    {
        Source = source;
        _options = options;
        _places = new SemaphoreSlim(options.MaxConcurrentFetches);
        // Until something fails there is nothing to break, and building it would be a good part of a program's start.
        _breaker = new Lazy<ResiliencePipeline>(() => Breaker(options.Time));
    }

    public ISecretSource Source { get; }

    public Task<FetchedSecret> FetchAsync(string name, CancellationToken stop) =>
        CountAsync(CallAsync(name, Source.FetchAsync, name, stop), Instruments.Fetched);

    public Task<SecretLease> RenewAsync(string name, SecretLease lease, CancellationToken stop) =>
        CountAsync(CallAsync(name, ((ILeasingSecretSource)Source).RenewAsync, lease, stop), Instruments.LeaseRenewed);

    public Task RevokeAsync(string name, SecretLease lease, CancellationToken stop) =>
        CallAsync(
            name,
            async (gone, cancellation) =>
            {
                await ((ILeasingSecretSource)Source).RevokeAsync(gone, cancellation);
                return gone;
            },
            lease,
            stop
        );

    public Task AcknowledgeAsync(string name, string? version, CancellationToken stop) =>
        CallAsync(
            name,
            async (taken, cancellation) =>
            {
                await ((IReportingSecretSource)Source).AcknowledgeAsync(name, taken, cancellation);
                return taken;
            },
            version,
            stop
        );

    private static ResiliencePipeline Breaker(TimeProvider time) =>
        new ResiliencePipelineBuilder { TimeProvider = new MonotonicTime(time) }
            .AddCircuitBreaker(
                new CircuitBreakerStrategyOptions
                {
                    // One secret's own retries do not trip it; ten failing within half a minute do.
                    FailureRatio = 0.5,
                    MinimumThroughput = 10,
                    SamplingDuration = TimeSpan.FromSeconds(30),
                    BreakDurationGenerator = static _ => new(Break + RefreshSchedule.Spread(Break)),
                    ShouldHandle = static outcome =>
                        new(
                            outcome.Outcome.Exception
                                is SecretSourceException
                                {
                                    Reason: SecretFailure.Unreachable or SecretFailure.Throttled
                                }
                        ),
                }
            )
            .Build();

    private async Task<TResult> CountAsync<TResult>(Task<TResult> call, Action<ISecretSource, SecretFailure?> count)
    {
        try
        {
            var result = await call;
            count(Source, null);
            return result;
        }
        catch (SecretSourceException failure)
        {
            count(Source, failure.Reason);
            throw;
        }
    }

    private async Task<TResult> CallAsync<TArgument, TResult>(
        string name,
        Func<TArgument, CancellationToken, Task<TResult>> call,
        TArgument argument,
        CancellationToken stop
    )
    {
        await _places.WaitAsync(stop);
        try
        {
            if (!_breaker.IsValueCreated)
            {
                return await FirstAsync(name, call, argument, stop);
            }

            return await _breaker.Value.ExecuteAsync(
                static async (state, stop) =>
                    await state.Guard.LimitAsync(state.name, state.call, state.argument, stop),
                (Guard: this, name, call, argument),
                stop
            );
        }
        catch (BrokenCircuitException open)
        {
            throw new SecretSourceException(
                SecretFailure.Unreachable,
                $"{name}: {Source.Id} is not asked for a few seconds, since it has failed too often."
            )
            {
                RetryAfter = open.RetryAfter,
            };
        }
        finally
        {
            _places.Release();
        }
    }

    /// <summary>A call while none has failed; when this one does, it is the first that the breaker counts.</summary>
    private async Task<TResult> FirstAsync<TArgument, TResult>(
        string name,
        Func<TArgument, CancellationToken, Task<TResult>> call,
        TArgument argument,
        CancellationToken stop
    )
    {
        try
        {
            return await LimitAsync(name, call, argument, stop);
        }
        catch (SecretSourceException failure)
        {
            try
            {
                await _breaker.Value.ExecuteAsync(
                    static (failure, _) => ValueTask.FromException(failure),
                    failure,
                    CancellationToken.None
                );
            }
            catch (Exception told) when (told == failure || told is BrokenCircuitException)
            {
                // Counted, or one of many that began together and no longer count.
            }

            throw;
        }
    }

    private async Task<TResult> LimitAsync<TArgument, TResult>(
        string name,
        Func<TArgument, CancellationToken, Task<TResult>> call,
        TArgument argument,
        CancellationToken stop
    )
    {
        using var limit = new CancellationTokenSource(_options.FetchTimeout, _options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop);
        var answer = Task.FromCanceled<TResult>(new CancellationToken(canceled: true));
        try
        {
            answer = call(argument, either.Token);
            return await answer.WaitAsync(either.Token);
        }
        catch (OperationCanceledException late) when (!stop.IsCancellationRequested)
        {
            // A source that listens to its token is about to end, and the next read begins after that. Another one is left behind.
            await ((Task)answer.WaitAsync(Grace, _options.Time, stop)).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing
            );
            throw new SecretSourceException(
                SecretFailure.Unreachable,
                $"{name}: no answer from {Source.Id} within {_options.FetchTimeout.TotalSeconds} s.",
                late
            );
        }
        catch (Exception unforeseen) when (unforeseen is not (SecretSourceException or OperationCanceledException))
        {
            // What a source of somebody else's throws may hold anything; only its type is told.
            throw new SecretSourceException(
                SecretFailure.Unreachable,
                $"{name}: {Source.Id} failed with {unforeseen.GetType().Name}.",
                unforeseen
            );
        }
    }
}
