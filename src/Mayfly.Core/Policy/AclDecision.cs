namespace Mayfly.Core.Policy;

/// <summary>What the policies say of one request.</summary>
/// <param name="Allowed">The operation may be carried out.</param>
/// <param name="Sudo">The caller has the <c>sudo</c> capability on the path (or is root).</param>
/// <param name="GrantingPolicies">The names of the policies whose rule decided, for the audit.</param>
public readonly record struct AclDecision(bool Allowed, bool Sudo, IReadOnlyList<string> GrantingPolicies)
{
    public static AclDecision Denied => new(false, false, []);

    /// <summary>The path may be called by anybody.</summary>
    public static AclDecision NotNeeded => new(true, false, []);
}
