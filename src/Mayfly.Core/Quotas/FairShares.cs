namespace Mayfly.Core.Quotas;

/// <summary>
/// A limited number of places that many share. Nobody may have more than half of what is free, so a few who want all leave room
/// for those who come later; whoever has none gets one as long as there is any. Safe for concurrent use.
/// </summary>
/// <param name="places">How many there are.</param>
/// <param name="mostOfOne">The most of one owner.</param>
internal sealed class FairShares(int places, int mostOfOne = int.MaxValue)
{
    private readonly Dictionary<string, int> _byOwner = new(StringComparer.Ordinal);
    private int _taken;

    /// <summary>How many are taken.</summary>
    public int Taken => Volatile.Read(ref _taken);

    /// <summary>Takes a place, to be given back with <see cref="GiveBack"/>; false when there is none for the owner.</summary>
    public bool TryTake(string owner)
    {
        lock (_byOwner)
        {
            var own = _byOwner.GetValueOrDefault(owner);
            var free = places - _taken;
            if (free <= 0 || own >= mostOfOne || own >= Math.Max(1, free / 2))
            {
                return false;
            }

            _byOwner[owner] = own + 1;
            _taken++;
            return true;
        }
    }

    /// <summary>How many places an owner has.</summary>
    public int Of(string owner)
    {
        lock (_byOwner)
        {
            return _byOwner.GetValueOrDefault(owner);
        }
    }

    public void GiveBack(string owner)
    {
        lock (_byOwner)
        {
            _taken--;
            if (--_byOwner[owner] == 0)
            {
                _byOwner.Remove(owner);
            }
        }
    }
}
