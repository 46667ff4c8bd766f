using System.Runtime.ExceptionServices;

namespace Mayfly.Client.Secrets;

/// <content>Work that survives a rotation.</content>
public sealed partial class LiveSecret
{
    /// <summary>
    /// Runs <paramref name="act"/> with the current value. When it fails because the credential was not accepted, reads the secret
    /// past the cache, and if that gives another value, runs it once more with that. However many fail at once share one read.
    /// </summary>
    /// <param name="act">The work. It can run twice, so it must not leave half of itself behind when its credential is refused.</param>
    /// <param name="isRefused">
    /// Tells from a result that the credential was not accepted, for what does not throw; null when exceptions alone tell
    /// (<see cref="LiveSecretsOptions.AuthenticationFailures"/>). A refused result that is followed by another run is disposed of.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What the last run gave.</returns>
    /// <exception cref="SecretUnavailableException">There was no value to begin with.</exception>
    public async Task<T> WithRotationAsync<T>(
        Func<SecretValue, CancellationToken, Task<T>> act,
        Func<T, bool>? isRefused = null,
        CancellationToken cancellationToken = default
    )
    {
        var used = await GetAsync(cancellationToken);
        var (refused, failure) = await TryAsync(act, used, cancellationToken);
        if (failure is null && (isRefused is null || !isRefused(refused!)))
        {
            return refused!;
        }

        if (await OtherThanAsync(used, cancellationToken) is not { } other)
        {
            failure?.Throw();
            return refused!;
        }

        (refused as IDisposable)?.Dispose();
        return await act(other, cancellationToken);
    }

    /// <summary>As <see cref="WithRotationAsync{T}"/>, for work without a result.</summary>
    /// <param name="act">The work.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SecretUnavailableException">There was no value to begin with.</exception>
    public Task WithRotationAsync(
        Func<SecretValue, CancellationToken, Task> act,
        CancellationToken cancellationToken = default
    ) =>
        WithRotationAsync(
            async (value, cancellation) =>
            {
                await act(value, cancellation);
                return true;
            },
            isRefused: null,
            cancellationToken
        );

    private async Task<(T? Result, ExceptionDispatchInfo? Failure)> TryAsync<T>(
        Func<SecretValue, CancellationToken, Task<T>> act,
        SecretValue value,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return (await act(value, cancellationToken), null);
        }
        catch (Exception failure) when (_options.AuthenticationFailures.Includes(failure))
        {
            return (default, ExceptionDispatchInfo.Capture(failure));
        }
    }

    /// <summary>Another value than the one that was refused, if there is one.</summary>
    private async Task<SecretValue?> OtherThanAsync(SecretValue refused, CancellationToken cancellationToken)
    {
        if (Other(refused) is { } known)
        {
            return known;
        }

        // A credential that was made just now is not what is wrong: each further one would only be one more.
        if (refused.Lease is not null && Age < RefreshSchedule.Soonest)
        {
            return null;
        }

        // A read under way had begun before the refusal, and may bring the new value all the same.
        if (_flight.Running is { } running)
        {
            await ((Task)running.WaitAsync(cancellationToken)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (Other(refused) is { } brought)
            {
                return brought;
            }
        }

        return await Refetch().WaitAsync(cancellationToken) is null ? Other(refused) : null;
    }

    private SecretValue? Other(SecretValue refused) =>
        _current is { } value && !value.HasContentOf(refused) ? Given(value) : null;
}
