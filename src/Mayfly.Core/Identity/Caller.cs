using Mayfly.Core.Policy;

namespace Mayfly.Core.Identity;

/// <summary>Who makes a request: a live token, and what its policies allow. Immutable.</summary>
public sealed record Caller(TokenEntry Token, Acl Acl);
