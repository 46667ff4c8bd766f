namespace Mayfly.Core.Quotas;

/// <summary>
/// Room for one lease that is about to be stored. Dispose it when the attempt is over: what has been stored by then keeps
/// the room until its record is deleted, otherwise somebody else may have it.
/// </summary>
internal sealed class LeaseSlot(LeaseCounts counts, UInt128 record) : IDisposable
{
    public void Dispose() => counts.Settle(record);
}
