namespace Mayfly.Core.Audit;

/// <summary>How a device is. Immutable.</summary>
internal sealed record AuditStatus(bool Works, string? Failure, DateTimeOffset FailedSince, long Lost, string? Remark);
