namespace Mayfly.Core.Pipeline;

/// <summary>The ways in which a request may fail without anything being broken. Each dialect maps them to statuses in one table.</summary>
public enum FaultKind
{
    /// <summary>The request itself is wrong; the message says what to do.</summary>
    Invalid,

    /// <summary>No token, or none that is known.</summary>
    Unauthenticated,

    /// <summary>The token may not do this.</summary>
    Denied,

    /// <summary>There is nothing there.</summary>
    NotFound,

    /// <summary>The path exists, but not for this operation.</summary>
    Unsupported,

    /// <summary>What is stored is not what the request expected.</summary>
    Conflict,

    /// <summary>The request is larger than the limits allow.</summary>
    TooLarge,

    /// <summary>The body is of a type that the operation does not take.</summary>
    WrongMediaType,

    /// <summary>The server is sealed or not initialized.</summary>
    Sealed,

    /// <summary>A quota is used up.</summary>
    Throttled,

    /// <summary>Something that the server needs (disk, audit device, outside system) does not work now.</summary>
    Unavailable,
}

/// <summary>An expected failure. Messages are for the caller, and hold no secret. Immutable.</summary>
public sealed record Fault(FaultKind Kind, IReadOnlyList<string> Messages)
{
    /// <summary>What accompanies the failure, such as the metadata of a deleted version, or warnings.</summary>
    public Response? Body { get; init; }

    /// <summary>How long to wait before another try, if known.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>An engine that was to make a credential did not even begin: there is nothing to undo.</summary>
    public bool NothingMade { get; init; }

    /// <summary>The text of a denial, as Vault's clients know it.</summary>
    public const string PermissionDenied = "permission denied";

    public static Fault Invalid(string message) => new(FaultKind.Invalid, [message]);

    public static Fault Denied() => new(FaultKind.Denied, [PermissionDenied]);

    public static Fault Denied(string message) => new(FaultKind.Denied, [message]);

    public static Fault Unauthenticated(string message) => new(FaultKind.Unauthenticated, [message]);

    /// <summary>Nothing there; without a message the reply has an empty list of errors, as Vault's has.</summary>
    public static Fault NotFound(string? message = null) => new(FaultKind.NotFound, message is null ? [] : [message]);

    public static Fault Unsupported(string message = "unsupported operation") => new(FaultKind.Unsupported, [message]);

    public static Fault Conflict(string message) => new(FaultKind.Conflict, [message]);

    public static Fault TooLarge(string message) => new(FaultKind.TooLarge, [message]);

    public static Fault WrongMediaType(string message) => new(FaultKind.WrongMediaType, [message]);

    public static Fault Sealed(string message = "Vault is sealed") => new(FaultKind.Sealed, [message]);

    public static Fault Throttled(string message, TimeSpan? retryAfter = null) =>
        new(FaultKind.Throttled, [message]) { RetryAfter = retryAfter };

    public static Fault Unavailable(string message) => new(FaultKind.Unavailable, [message]);

    /// <summary>The failure that a commit which did not succeed stands for.</summary>
    public static Fault From(Storage.CommitResult result) =>
        result.Status == Storage.CommitStatus.Conflict
            ? Conflict("the record was changed by another request at the same time; try again")
            : Unavailable($"the store cannot write: {result.Reason}");
}
