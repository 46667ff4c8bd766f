using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Mayfly.Crypto;

namespace Mayfly.Core.Rotation.Webhook;

/// <summary>
/// The versions of a secret while it is rotated by a webhook, with the labels that a rotation function written for AWS moves
/// about. A label is on one version. Immutable.
/// </summary>
internal sealed record StagedSecret
{
    public const string Current = "AWSCURRENT";
    public const string Pending = "AWSPENDING";
    public const string Previous = "AWSPREVIOUS";

    public IReadOnlyList<StagedVersion> Versions { get; init; } = [];

    /// <summary>The version that the secret's engine had when the rotation began: the promotion expects it.</summary>
    public long BaseVersion { get; init; }

    /// <summary>The function has been told to set something, so that going back means to set it back.</summary>
    public bool Touched { get; init; }

    /// <summary>The version that sets the secret back, while the rotation goes back; "" otherwise.</summary>
    public string RevertVersion { get; init; } = "";

    /// <summary>SHA-256 of the token that the function was given for the call under way; "" between calls.</summary>
    public string TokenHash { get; init; } = "";

    public DateTimeOffset TokenEnds { get; init; }

    public StagedVersion? Of(string id) => Versions.FirstOrDefault(version => version.Id == id);

    public StagedVersion? Labelled(string label) =>
        Versions.FirstOrDefault(version => version.Labels.Contains(label, StringComparer.Ordinal));

    /// <summary>Puts the label on that version, and takes it from the other; AWSCURRENT leaves AWSPREVIOUS behind.</summary>
    public StagedSecret Move(string label, string id)
    {
        var left = Labelled(label);
        var moved = Without(label) with { };
        moved = moved.Change(id, version => version with { Labels = [.. version.Labels, label] });
        return label == Current && left is not null && left.Id != id ? moved.Move(Previous, left.Id) : moved;
    }

    public StagedSecret Without(string label) =>
        this with
        {
            Versions =
            [
                .. Versions.Select(version =>
                    version with
                    {
                        Labels = [.. version.Labels.Where(other => other != label)],
                    }
                ),
            ],
        };

    /// <summary>Adds the version, or changes its value.</summary>
    public StagedSecret With(string id, string? value) =>
        Of(id) is null
            ? this with
            {
                Versions = [.. Versions, new StagedVersion(id, value, [])],
            }
            : Change(id, version => version with { Value = value });

    /// <summary>Forgets versions without labels, as they are of no use any more.</summary>
    public StagedSecret Pruned() => this with { Versions = [.. Versions.Where(version => version.Labels.Count > 0)] };

    public bool Accepts(string? token, DateTimeOffset now) =>
        token is { Length: > 0 }
        && TokenHash.Length > 0
        && now < TokenEnds
        && CryptographicOperations.FixedTimeEquals(
            Encoding.ASCII.GetBytes(Hash(token)),
            Encoding.ASCII.GetBytes(TokenHash)
        );

    public static string Hash(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, WebhookJson.Default.StagedSecret);

    public static StagedSecret Decode(SecretBytes value) =>
        JsonSerializer.Deserialize(value.Span, WebhookJson.Default.StagedSecret)!;

    /// <summary>Says nothing: the values are in here.</summary>
    public override string ToString() => $"StagedSecret({Versions.Count} versions)";

    private StagedSecret Change(string id, Func<StagedVersion, StagedVersion> change) =>
        this with
        {
            Versions = [.. Versions.Select(version => version.Id == id ? change(version) : version)],
        };
}

/// <summary>One version. Immutable.</summary>
/// <param name="Id">A UUID; AWS's ClientRequestToken.</param>
/// <param name="Value">The secret, a JSON object as text; null while the function has not made it.</param>
/// <param name="Labels">Such as AWSCURRENT.</param>
internal sealed record StagedVersion(string Id, string? Value, IReadOnlyList<string> Labels)
{
    /// <summary>Says nothing: the value is in here.</summary>
    public override string ToString() => $"StagedVersion({Id})";
}
