using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Rotation;

/// <summary>Stands for an engine that is not there now: whatever is under way waits until it is back.</summary>
internal sealed class MissingRotator : IRotatesSecrets
{
    private static readonly Fault Missing = Fault.Unavailable(
        "the engine that the secret belongs to is not there, or cannot rotate secrets"
    );

    public static MissingRotator Instance { get; } = new();

    public ValueTask<Fault?> CreateAsync(SecretRotation rotation, CancellationToken cancellation) => new(Missing);

    public ValueTask<Fault?> SetAsync(SecretRotation rotation, CancellationToken cancellation) => new(Missing);

    public ValueTask<Fault?> TestAsync(SecretRotation rotation, CancellationToken cancellation) => new(Missing);

    public ValueTask<Outcome> ReadNextAsync(SecretRotation rotation, CancellationToken cancellation) => new(Missing);

    public ValueTask<Fault?> PromoteAsync(SecretRotation rotation, CancellationToken cancellation) => new(Missing);

    public ValueTask<Fault?> RetireAsync(SecretRotation rotation, CancellationToken cancellation) => new(Missing);

    public ValueTask<Fault?> RevertAsync(SecretRotation rotation, CancellationToken cancellation) => new(Missing);
}
