using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Auth.AppRole;

/// <summary>
/// Removes what should not be there any more: secret-ids that have expired (normally gone at their due time), and those
/// of a role whose deletion was cut short. Runs in the background, once at a time.
/// </summary>
internal sealed class Tidy(View view, RoleStore roles, SecretIds secretIds, ILogger log) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private Task _run = Task.CompletedTask;

    public PathEntry Entry =>
        new("tidy/secret-id")
        {
            Help = "Remove secret-ids that have expired or belong to no role.",
            Write = (_, _) => new(new Response { Warnings = [Start()] }),
        };

    /// <summary>The run that is going on or was the last.</summary>
    internal Task Run
    {
        get
        {
            lock (_gate)
            {
                return _run;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Run;
    }

    private string Start()
    {
        lock (_gate)
        {
            if (!_run.IsCompleted)
            {
                return "Tidy operation already in progress.";
            }

            _run = Task.Run(RunAsync, CancellationToken.None);
            return "Tidy operation successfully started. Any information from the operation will be printed to the "
                + "server's log.";
        }
    }

    private async Task RunAsync()
    {
        try
        {
            // Folders first: a role that appears after this has none among them.
            var folders = await view.ListAsync(SecretIds.Folder, _stop.Token);
            var alive = await roles.FoldersAsync(_stop.Token);
            foreach (var folder in folders)
            {
                var path = SecretIds.Folder + folder;
                if (!alive.Contains(folder.TrimEnd('/')))
                {
                    await view.DeleteTreeAsync(path, _stop.Token);
                    continue;
                }

                foreach (var accessor in await view.ListAsync(path, _stop.Token))
                {
                    await secretIds.RemoveExpiredAsync(path + accessor, _stop.Token);
                }
            }

            log.LogInformation("Tidied the secret-ids of {Roles} roles.", alive.Count);
        }
        catch (OperationCanceledException)
        {
            // The server seals or stops; nothing is lost, the next run goes over everything again.
        }
        catch (StoreCorruptException e)
        {
            log.LogError(e, "Tidying secret-ids stopped at a damaged record.");
        }
    }
}
