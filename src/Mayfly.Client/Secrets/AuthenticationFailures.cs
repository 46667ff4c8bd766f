using System.Net;

namespace Mayfly.Client.Secrets;

/// <summary>
/// Which exceptions say that a credential was not accepted, for <see cref="LiveSecret.WithRotationAsync{T}"/>. Told by types and
/// codes, never by the text of a message. Immutable.
/// </summary>
public sealed class AuthenticationFailures
{
    private const int Deepest = 16;

    private readonly Func<Exception, bool>[] _tests;

    private AuthenticationFailures(params Func<Exception, bool>[] tests) => _tests = tests;

    /// <summary>HTTP's 401, as <see cref="HttpRequestException"/> carries it.</summary>
    public static AuthenticationFailures Default { get; } =
        new(static failure => failure is HttpRequestException { StatusCode: HttpStatusCode.Unauthorized });

    /// <summary>These, and exceptions of a type for which <paramref name="isOne"/> holds.</summary>
    /// <param name="isOne">Tells by the exception's codes; null when every one of the type counts.</param>
    public AuthenticationFailures With<TException>(Func<TException, bool>? isOne = null)
        where TException : Exception =>
        new([.. _tests, failure => failure is TException typed && (isOne is null || isOne(typed))]);

    /// <summary>Whether the exception, or one inside it, is an authentication failure.</summary>
    /// <param name="failure">The exception.</param>
    public bool Includes(Exception failure) => Includes(failure, Deepest);

    private bool Includes(Exception failure, int depth)
    {
        if (Array.Exists(_tests, test => test(failure)))
        {
            return true;
        }

        return depth > 0
            && (
                failure is AggregateException several
                    ? several.InnerExceptions.Any(inner => Includes(inner, depth - 1))
                    : failure.InnerException is { } inner && Includes(inner, depth - 1)
            );
    }
}
