using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mayfly.Core.Storage;

/// <summary>
/// The observers of a store. <see cref="Publish"/> is called by the one that commits, in commit order; observers come and
/// go at any time.
/// </summary>
internal sealed class CommitFeed(ILogger? log = null)
{
    private readonly Lock _gate = new();
    private readonly ILogger _log = log ?? NullLogger.Instance;
    private volatile Observation[] _observations = [];

    public void Publish(CommittedBatch batch)
    {
        foreach (var observation in _observations)
        {
            try
            {
                observation.Observer(batch);
            }
            catch (Exception e)
            {
                // The batch is durable already: a bug in an observer must not make it look otherwise.
                _log.LogError(e, "An observer of commits failed.");
            }
        }
    }

    public IDisposable Observe(Action<CommittedBatch> observer)
    {
        var observation = new Observation(this, observer);
        lock (_gate)
        {
            _observations = [.. _observations, observation];
        }

        return observation;
    }

    private void Remove(Observation observation)
    {
        lock (_gate)
        {
            _observations = [.. _observations.Where(other => other != observation)];
        }
    }

    private sealed class Observation(CommitFeed feed, Action<CommittedBatch> observer) : IDisposable
    {
        public Action<CommittedBatch> Observer => observer;

        public void Dispose() => feed.Remove(this);
    }
}
