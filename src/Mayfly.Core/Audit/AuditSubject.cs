using Mayfly.Core.Identity;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;

namespace Mayfly.Core.Audit;

/// <summary>What an entry is about. Whatever is not known yet when a request is refused stays null.</summary>
/// <param name="Request">The request; its operation has been settled.</param>
/// <param name="Mount">Where it goes.</param>
/// <param name="Caller">Who asks.</param>
/// <param name="Decision">What the policies said.</param>
internal readonly record struct AuditSubject(
    Request Request,
    Mount? Mount = null,
    Caller? Caller = null,
    AclDecision? Decision = null
);
