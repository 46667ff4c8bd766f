namespace Mayfly.Core.Policy;

/// <summary>What a rule allows, as a set.</summary>
[Flags]
internal enum CapabilitySet
{
    None = 0,
    Sudo = 1,
    Read = 1 << 1,
    List = 1 << 2,
    Update = 1 << 3,
    Delete = 1 << 4,
    Create = 1 << 5,
    Patch = 1 << 6,

    /// <summary>OpenBao's recursive list. It may be written in a policy; no request needs it here.</summary>
    Scan = 1 << 7,

    /// <summary>To be told of changes, of the types that the rule names, without the right to read.</summary>
    Subscribe = 1 << 8,

    /// <summary>Takes everything else away.</summary>
    Deny = 1 << 9,
}

/// <summary>The words for capabilities.</summary>
internal static class CapabilityNames
{
    /// <summary>In the order in which <c>sys/capabilities</c> is built, which is also the order of the bits.</summary>
    private static readonly (CapabilitySet Capability, string Name)[] Names =
    [
        (CapabilitySet.Sudo, "sudo"),
        (CapabilitySet.Read, "read"),
        (CapabilitySet.List, "list"),
        (CapabilitySet.Update, "update"),
        (CapabilitySet.Delete, "delete"),
        (CapabilitySet.Create, "create"),
        (CapabilitySet.Patch, "patch"),
        (CapabilitySet.Scan, "scan"),
        (CapabilitySet.Subscribe, "subscribe"),
    ];

    public static string All { get; } = string.Join(", ", Names.Select(known => known.Name)) + ", deny";

    /// <summary>Whether <paramref name="capability"/>, which is one, is in the set.</summary>
    public static bool Has(this CapabilitySet set, CapabilitySet capability) =>
        (set & capability) != CapabilitySet.None;

    /// <summary>The capability of that name, or none.</summary>
    public static CapabilitySet Find(string name) =>
        name == "deny" ? CapabilitySet.Deny : Names.FirstOrDefault(known => known.Name == name).Capability;

    /// <summary>The names in a set. A denial, or nothing at all, is <c>deny</c>.</summary>
    public static IReadOnlyList<string> Of(CapabilitySet set)
    {
        if (set.Has(CapabilitySet.Deny) || set == CapabilitySet.None)
        {
            return ["deny"];
        }

        return [.. Names.Where(known => set.Has(known.Capability)).Select(known => known.Name)];
    }

    /// <summary>What the older <c>policy = "…"</c> stands for, or none.</summary>
    public static CapabilitySet OfLegacy(string policy) =>
        policy switch
        {
            "deny" => CapabilitySet.Deny,
            "read" => CapabilitySet.Read | CapabilitySet.List,
            "write" => CapabilitySet.Create
                | CapabilitySet.Read
                | CapabilitySet.Update
                | CapabilitySet.Delete
                | CapabilitySet.List,
            "sudo" => CapabilitySet.Create
                | CapabilitySet.Read
                | CapabilitySet.Update
                | CapabilitySet.Delete
                | CapabilitySet.List
                | CapabilitySet.Sudo,
            _ => CapabilitySet.None,
        };
}
