using Mayfly.Core.Pipeline;

namespace Mayfly.Server.Http.Vault;

/// <summary>The one table from a failure to an HTTP status, and the texts that Vault's clients look for.</summary>
internal static class FaultStatus
{
    public static int Of(FaultKind kind) =>
        kind switch
        {
            FaultKind.Invalid => 400,
            FaultKind.Unauthenticated => 403,
            FaultKind.Denied => 403,
            FaultKind.NotFound => 404,
            FaultKind.Unsupported => 405,
            FaultKind.Conflict => 409,
            FaultKind.TooLarge => 413,
            FaultKind.WrongMediaType => 415,
            FaultKind.Throttled => 429,
            FaultKind.Sealed => 503,
            FaultKind.Unavailable => 503,
            _ => 500,
        };

    /// <summary>A message as it stands in <c>errors</c>: denials are laid out as Vault's clients know them.</summary>
    public static string Text(FaultKind kind, string message) =>
        kind == FaultKind.Denied || message == Fault.PermissionDenied
            ? $"1 error occurred:\n\t* {message}\n\n"
            : message;
}
