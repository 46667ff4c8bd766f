namespace Mayfly.Core.Audit;

/// <summary>Which request headers entries show, by lower-case name, and whether hashed. Swapped whole.</summary>
internal sealed class AuditHeaders
{
    private volatile IReadOnlyDictionary<string, bool> _recorded = new Dictionary<string, bool>(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, bool> Recorded
    {
        get => _recorded;
        set => _recorded = value;
    }
}
