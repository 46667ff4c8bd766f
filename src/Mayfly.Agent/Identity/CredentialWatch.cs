using System.Globalization;
using Mayfly.Client.Logins;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Identity;

/// <summary>Logs in again when a file with credentials has other contents (<c>enable_reauth_on_new_credentials</c>).</summary>
internal sealed class CredentialWatch(IReadOnlyList<string> files, LoginSession session, ILogger log, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    public async Task RunAsync(CancellationToken cancellation)
    {
        var last = State();
        while (!cancellation.IsCancellationRequested)
        {
            await Task.Delay(Interval, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var now = State();
            // A file that went away was read and removed, by the agent itself perhaps.
            if (now == last || now.Contains("gone", StringComparison.Ordinal) || cancellation.IsCancellationRequested)
            {
                last = now == last ? last : now;
                continue;
            }

            last = now;
            log.LogInformation("There are new credentials: logging in again");
            try
            {
                await session.LogInAgainAsync(cancellation);
            }
            catch (Exception e) when (e is LoginException or OperationCanceledException or ObjectDisposedException)
            {
                // The session tells of it, and tries again by itself.
            }
        }
    }

    private string State() =>
        string.Join(
            '|',
            files.Select(file =>
            {
                var info = new FileInfo(file);
                return info.Exists
                    ? string.Create(CultureInfo.InvariantCulture, $"{info.LastWriteTimeUtc.Ticks}:{info.Length}")
                    : "gone";
            })
        );
}
