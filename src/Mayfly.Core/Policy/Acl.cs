using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Policy;

/// <summary>The compiled policies of one token. Immutable; safe for concurrent use.</summary>
public sealed class Acl
{
    private readonly bool _root;

    private Acl(bool root) => _root = root;

    /// <summary>May do everything.</summary>
    public static Acl Root { get; } = new(root: true);

    /// <summary>Decides one request. Does not allocate when no parameter rule applies.</summary>
    /// <param name="operation">What is wanted.</param>
    /// <param name="path">The whole path, as in policies: <c>secret/data/app</c>; a LIST ends with a slash.</param>
    /// <param name="body">The body, for parameter rules.</param>
    /// <param name="wrapTtl">The requested wrapping, for its bounds.</param>
    public AclDecision Decide(Operation operation, string path, JsonElement? body, TimeSpan? wrapTtl) =>
        _root ? new AclDecision(true, true, ["root"]) : AclDecision.Denied;

    /// <summary>The names of the capabilities on <paramref name="path"/>, as <c>sys/capabilities</c> gives them.</summary>
    public IReadOnlyList<string> Capabilities(string path) => _root ? ["root"] : ["deny"];
}
