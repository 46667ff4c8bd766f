using Mayfly.Core.Quotas;

namespace Mayfly.Core.Consumers;

/// <summary>The consumers of one path. Safe for concurrent use.</summary>
/// <param name="total">The places of all paths together.</param>
internal sealed class ReadersOfPath(FairShares total)
{
    private readonly Dictionary<string, Consumer> _consumers = new(StringComparer.Ordinal);
    private readonly FairShares _places = new(ConsumerBook.MostPerPath);
    private bool _forgotten;

    /// <summary>
    /// Remembers that a consumer was here. False when there is no place for it; null when this object has been forgotten, and
    /// another one stands for the path.
    /// </summary>
    public bool? TryNote(string name, string owner, string version, bool acknowledged, DateTimeOffset now)
    {
        lock (_consumers)
        {
            if (_forgotten)
            {
                return null;
            }

            if (!_consumers.TryGetValue(name, out var consumer))
            {
                if (!_places.TryTake(owner))
                {
                    return false;
                }

                if (!total.TryTake(owner))
                {
                    _places.GiveBack(owner);
                    return false;
                }

                consumer = new Consumer(name, owner, now, "", null);
            }

            _consumers[name] =
                !acknowledged ? consumer with { Seen = now, Given = version }
                : version.Length > 0 ? consumer with { Seen = now, Acknowledged = version }
                : consumer with { Seen = now, Acknowledged = consumer.Given };
            return true;
        }
    }

    public IReadOnlyList<Consumer> Live(DateTimeOffset since)
    {
        lock (_consumers)
        {
            return [.. _consumers.Values.Where(consumer => consumer.Seen > since)];
        }
    }

    /// <summary>Removes who was last seen before; tells whether nobody is left.</summary>
    public bool Forget(DateTimeOffset since)
    {
        lock (_consumers)
        {
            foreach (var gone in _consumers.Values.Where(consumer => consumer.Seen <= since).ToList())
            {
                _consumers.Remove(gone.Name);
                _places.GiveBack(gone.Owner);
                total.GiveBack(gone.Owner);
            }

            _forgotten = _consumers.Count == 0;
            return _forgotten;
        }
    }
}
