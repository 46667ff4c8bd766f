using Mayfly.Crypto;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Audit;

/// <summary>What a device needs from its server.</summary>
internal sealed record AuditContext(
    TimeProvider Time,
    ILogger Log,
    AuditHeaders Headers,
    AuditSigningKey SigningKey,
    Func<string, SecretBytes> DeriveKey
);
