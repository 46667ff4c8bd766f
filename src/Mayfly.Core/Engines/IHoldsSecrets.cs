namespace Mayfly.Core.Engines;

/// <summary>An engine that keeps secrets which can be read again: a scan for leaks may look for them.</summary>
public interface IHoldsSecrets
{
    /// <summary>
    /// Hands every secret of which a version can be read now to <paramref name="visitor"/>: all versions, those that are no
    /// longer current, too. What changes meanwhile may be missed. Runs beside requests.
    /// </summary>
    ValueTask VisitAsync(SecretVisitor visitor, CancellationToken cancellation);
}

/// <summary>Looks at one version of a secret: a JSON object in UTF-8, which is the engine's again afterwards.</summary>
public delegate void SecretVisitor(HeldSecret secret, ReadOnlySpan<byte> json);

/// <summary>Which version of which secret. Immutable.</summary>
/// <param name="Family">Before the name in the path below the mount that gives the value: <c>data/</c>, or "".</param>
/// <param name="AboutFamily">The same of the path that tells of the secret and does not give the value.</param>
/// <param name="Name">The secret's name.</param>
/// <param name="Version">As the engine's users know it; "" when there is one alone.</param>
/// <param name="IsCurrent">It is what readers get who name no version.</param>
public sealed record HeldSecret(string Family, string AboutFamily, string Name, string Version, bool IsCurrent);
