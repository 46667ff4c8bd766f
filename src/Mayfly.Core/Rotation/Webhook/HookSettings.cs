using System.Text.Json;
using System.Text.Json.Serialization;
using Mayfly.Crypto;

namespace Mayfly.Core.Rotation.Webhook;

/// <summary>What an operator configured of a rotation by webhook, beside its terms. Immutable.</summary>
internal sealed record HookSettings
{
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Going back takes two calls, which have to fit into the limit of a step.</summary>
    public static readonly TimeSpan LongestTimeout = TimeSpan.FromSeconds(55);

    /// <summary>The secret: a path of a key-value engine, as it is read.</summary>
    public required string Target { get; init; }

    /// <summary>Where the rotation function is called.</summary>
    public required Uri Url { get; init; }

    /// <summary>Signs the calls, so that the function knows who calls it.</summary>
    public required string SigningKey { get; init; }

    /// <summary>The certificate authority that vouches for <see cref="Url"/>, in PEM; "" for the system's.</summary>
    public string CaCert { get; init; } = "";

    public bool AllowPlainHttp { get; init; }

    /// <summary>How long one call may take.</summary>
    public TimeSpan Timeout { get; init; } = DefaultTimeout;

    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, WebhookJson.Default.HookSettings);

    public static HookSettings Decode(SecretBytes value) =>
        JsonSerializer.Deserialize(value.Span, WebhookJson.Default.HookSettings)!;

    /// <summary>Says nothing: the signing key is in here.</summary>
    public override string ToString() => $"HookSettings({Target})";
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault
)]
[JsonSerializable(typeof(HookSettings))]
[JsonSerializable(typeof(StagedSecret))]
internal sealed partial class WebhookJson : JsonSerializerContext;
