using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;

namespace Mayfly.Core.Known;

/// <summary>One text that can be looked for. Immutable.</summary>
/// <param name="Value">The oblivious function's value at it, its first 128 bits.</param>
/// <param name="Filter">SipHash of it under the filter's key.</param>
/// <param name="Place">Whose it is.</param>
internal readonly record struct KnownPart(UInt128 Value, ulong Filter, KnownPlace Place);

/// <summary>A version of a secret, at the mount where it is. Immutable.</summary>
internal sealed record KnownPlace(string Mount, HeldSecret Secret)
{
    /// <summary>Below it there is a path for each secret, which stands for the right to look for it.</summary>
    public const string RightPrefix = "sys/known/secrets/";

    /// <summary>The path that gives the value.</summary>
    public string Path => string.Concat(Mount, Secret.Family, Secret.Name);

    /// <summary>Whether a caller may find out that a text is this secret: whoever could read it, or has the right to that alone.</summary>
    public bool MayBeKnownBy(Acl acl) => CanRead(acl, Path) || CanRead(acl, RightPrefix + Path);

    /// <summary>Whether a caller may be told which secret it is.</summary>
    public bool MayBeNamedTo(Acl acl) =>
        CanRead(acl, Path) || CanRead(acl, string.Concat(Mount, Secret.AboutFamily, Secret.Name));

    private static bool CanRead(Acl acl, string path) =>
        acl.Decide(Operation.Read, path, body: null, wrapTtl: null).Allowed;
}
