using System.Text.Json;
using Mayfly.Agent.Templates.Values;
using Mayfly.Client.Secrets;

namespace Mayfly.Agent.Rendering;

/// <summary>What a template sees of a reply: <c>.Data</c>, <c>.LeaseID</c> and the like.</summary>
internal sealed class TemplateSecret : GoObject
{
    private TemplateSecret(IReadOnlyList<KeyValuePair<string, object?>> fields) => Fields = fields;

    /// <inheritdoc/>
    public override string TypeName => "dependency.Secret";

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, object?>> Fields { get; }

    /// <summary>The answer to a read.</summary>
    public static TemplateSecret OfRead(SecretValue value) => Of(value, default, GoJson.Value(value.Reply));

    /// <summary>The answer to a write, of which the whole envelope is there.</summary>
    public static TemplateSecret OfWrite(SecretValue value) => Of(value, value.Reply, GoJson.Value(value.Fields));

    private static TemplateSecret Of(SecretValue value, JsonElement envelope, object? data) =>
        new([
            new("RequestID", Text(envelope, "request_id")),
            new("LeaseID", value.Lease?.Id ?? ""),
            new("LeaseDuration", (long)(value.Lease?.Duration.TotalSeconds ?? 0)),
            new("Renewable", value.Lease?.IsRenewable ?? false),
            new("Data", data),
            new(
                "Warnings",
                Member(envelope, "warnings") is { ValueKind: JsonValueKind.Array } warnings
                    ? GoJson.Value(warnings)
                    : GoSlice.Of([])
            ),
            new("Auth", Auth(Member(envelope, "auth"))),
            new("WrapInfo", WrapInfo(Member(envelope, "wrap_info"))),
        ]);

    private static TemplateSecret? Auth(JsonElement auth) =>
        auth.ValueKind != JsonValueKind.Object
            ? null
            : new([
                new("ClientToken", Text(auth, "client_token")),
                new("Accessor", Text(auth, "accessor")),
                new("Policies", Value(auth, "policies")),
                new("Metadata", Value(auth, "metadata")),
                new("LeaseDuration", Number(auth, "lease_duration")),
                new("Renewable", Member(auth, "renewable").ValueKind == JsonValueKind.True),
            ]);

    private static TemplateSecret? WrapInfo(JsonElement wrap) =>
        wrap.ValueKind != JsonValueKind.Object
            ? null
            : new([
                new("Token", Text(wrap, "token")),
                new("TTL", Number(wrap, "ttl")),
                new("CreationTime", Text(wrap, "creation_time")),
                new("WrappedAccessor", Text(wrap, "wrapped_accessor")),
            ]);

    private static JsonElement Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;

    private static object? Value(JsonElement element, string name) =>
        Member(element, name) is { ValueKind: not JsonValueKind.Undefined } value ? GoJson.Value(value) : null;

    private static string Text(JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() ?? "" : "";

    private static long Number(JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number)
            ? number
            : 0;
}

/// <summary>What <c>pkiCert</c> gives: <c>.Cert</c>, <c>.Key</c>, <c>.CA</c>, <c>.CAChain</c>, and the same below <c>.Data</c>.</summary>
internal sealed class TemplateCertificate : GoObject
{
    private TemplateCertificate(IReadOnlyList<KeyValuePair<string, object?>> parts) => Fields = parts;

    /// <inheritdoc/>
    public override string TypeName => "dependency.PemEncoded";

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, object?>> Fields { get; }

    /// <summary>The answer of a PKI engine.</summary>
    public static TemplateCertificate Of(SecretValue value)
    {
        var chain =
            value.Fields.TryGetProperty("ca_chain", out var several) && several.ValueKind == JsonValueKind.Array
                ? GoSlice.Of(several.EnumerateArray().Select(issuer => issuer.GetString() ?? ""))
                : GoSlice.Of([]);
        KeyValuePair<string, object?>[] parts =
        [
            new("Cert", Text(value, "certificate")),
            new("Key", Text(value, "private_key")),
            new("CA", Text(value, "issuing_ca")),
            new("CAChain", chain),
        ];
        return new([.. parts, new("Data", new TemplateCertificate(parts))]);
    }

    private static string Text(SecretValue value, string field) => value.TryGet(field, out var text) ? text : "";
}
