using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core;

/// <summary>Where a vault is in its life.</summary>
public enum VaultState
{
    Uninitialized,
    Sealed,
    Unsealed,
}

/// <summary>What the operator sets for a vault. Immutable.</summary>
public sealed record VaultOptions
{
    /// <summary>As in replies: <c>1.17.0+mayfly.0.1.0</c>.</summary>
    public required string Version { get; init; }

    public string ClusterName { get; init; } = "mayfly";

    /// <summary>The URL under which clients reach the server, for <c>sys/leader</c>.</summary>
    public string ApiAddress { get; init; } = "";

    public string ClusterAddress { get; init; } = "";

    public TimeSpan DefaultLeaseTtl { get; init; } = TimeSpan.FromHours(768);

    public TimeSpan MaxLeaseTtl { get; init; } = TimeSpan.FromHours(768);

    public UnknownFields UnknownFields { get; init; } = UnknownFields.Refuse;
}

/// <summary>
/// The vault: takes requests from every dialect, and answers them when it is unsealed. Safe for concurrent use.
/// </summary>
public sealed class Vault : IAsyncDisposable
{
    public Vault(VaultOptions options, IStore store, TimeProvider time, ILoggerFactory logs)
    {
        Options = options;
        Store = store;
        Time = time;
        _log = logs.CreateLogger<Vault>();
    }

    private readonly ILogger _log;

    public VaultOptions Options { get; }

    public IStore Store { get; }

    public TimeProvider Time { get; }

    public VaultState State { get; private set; }

    /// <summary>
    /// Answers one request. Expected failures are in the outcome; an exception is a bug (or a damaged store), which the
    /// dialect answers with 500 and the request's id. The response is the caller's to dispose after encoding it.
    /// </summary>
    public ValueTask<Outcome> HandleAsync(Request request, CancellationToken cancellation)
    {
        _log.LogDebug("request {Id}", request.Id);
        return new(Fault.Sealed());
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
