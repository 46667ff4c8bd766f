using Mayfly.Client.Logins;
using Microsoft.Extensions.Logging;

namespace Mayfly.Client.Hosting;

/// <summary>Tells a program's log how its login fares.</summary>
internal static partial class SessionLog
{
    public static void Attach(LoginSession session, ILogger logger)
    {
        session.LoggedIn += (_, change) => LoggedIn(logger, change.Login.Accessor, change.Login.LeaseDuration);
        session.Renewed += (_, change) => Renewed(logger, change.Login.Accessor, change.Login.LeaseDuration);
        session.Failed += (_, failed) =>
        {
            if (failed.IsRenewal)
            {
                RenewalFailed(logger, failed.Failure.Message, failed.RetryAfter);
            }
            else
            {
                LoginFailed(logger, failed.Failure.Message, failed.RetryAfter);
            }
        };
    }

    [LoggerMessage(1, LogLevel.Information, "Logged in; the token with accessor {Accessor} lives for {Lifetime}.")]
    private static partial void LoggedIn(ILogger logger, string accessor, TimeSpan lifetime);

    [LoggerMessage(2, LogLevel.Debug, "Renewed the token with accessor {Accessor}; it lives for {Lifetime}.")]
    private static partial void Renewed(ILogger logger, string accessor, TimeSpan lifetime);

    [LoggerMessage(3, LogLevel.Warning, "The token was not renewed: {Reason} Next try after {Wait}.")]
    private static partial void RenewalFailed(ILogger logger, string reason, TimeSpan wait);

    [LoggerMessage(4, LogLevel.Warning, "{Reason} Next try after {Wait}.")]
    private static partial void LoginFailed(ILogger logger, string reason, TimeSpan wait);
}
