using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Mayfly.Client.Redaction;
using Mayfly.Client.Transport;

namespace Mayfly.Client.Secrets;

/// <summary>
/// One version of a secret. Immutable, safe for concurrent use, and good to be held for one piece of work: who holds it longer
/// misses the next version. <see cref="ToString"/> tells name and version, never a value.
/// </summary>
public sealed class SecretValue
{
    private readonly Dictionary<string, string> _texts;
    private readonly byte[] _digest;

    internal SecretValue(string name, FetchedSecret fetched, byte[] digest)
    {
        Name = name;
        Fields = fetched.Fields;
        Reply = fetched.Reply;
        Version = fetched.Version;
        VersionNumber = fetched.VersionNumber;
        Lease = fetched.Lease;
        _digest = digest;
        _texts = Texts(fetched.Fields);
    }

    /// <summary>The secret's name.</summary>
    public string Name { get; }

    /// <summary>All fields, a JSON object.</summary>
    public JsonElement Fields { get; }

    /// <summary>All that the source said, where that is more than the fields: a KV v2 read's <c>data</c>, with <c>metadata</c>.</summary>
    public JsonElement Reply { get; }

    /// <summary>The source's name for this version, the same in every process; null where the source has none.</summary>
    public string? Version { get; }

    /// <summary><see cref="Version"/> as a number that grows; null where it is none.</summary>
    public long? VersionNumber { get; }

    /// <summary>
    /// Eight hexadecimal digits that change when the value does, for logs. They are the beginning of an HMAC-SHA256 under
    /// <see cref="LiveSecretsOptions.VersionHashKey"/>, by default a random key of this <see cref="LiveSecrets"/>: without the key
    /// nobody can try out passwords against them.
    /// </summary>
    public string VersionHash => Convert.ToHexStringLower(_digest.AsSpan(0, 4));

    /// <summary>The lease that the value lives by; null for one that is simply stored.</summary>
    public SecretLease? Lease { get; }

    /// <summary>The names of the fields.</summary>
    public IReadOnlyCollection<string> Names => _texts.Keys;

    /// <summary>A field as text: a string as it is, anything else as JSON. Allocates nothing.</summary>
    /// <param name="field">The field's name.</param>
    /// <exception cref="KeyNotFoundException">There is no such field. The message names those that there are.</exception>
    public string this[string field] =>
        _texts.TryGetValue(field, out var text)
            ? text
            : throw new KeyNotFoundException(
                $"{Name} has no field \"{field}\"; it has {(_texts.Count == 0 ? "none" : string.Join(", ", _texts.Keys))}"
            );

    /// <summary>A field as text, when there is such a field.</summary>
    /// <param name="field">The field's name.</param>
    /// <param name="text">Its text.</param>
    public bool TryGet(string field, [NotNullWhen(true)] out string? text) => _texts.TryGetValue(field, out text);

    /// <summary>A field as text that does not tell itself, for keeping in options and passing on.</summary>
    /// <param name="field">The field's name.</param>
    /// <exception cref="KeyNotFoundException">There is no such field. The message names those that there are.</exception>
    public SecretString Secret(string field) => new(this[field]);

    /// <summary>All fields as an object of a type of the program's.</summary>
    /// <param name="type">How to read it, from a source-generated context.</param>
    /// <exception cref="JsonException">The fields do not fit the type.</exception>
    public T? As<T>(JsonTypeInfo<T> type) => Fields.Deserialize(type);

    /// <inheritdoc/>
    public override string ToString() =>
        Version is null ? $"{Name} ({VersionHash})" : $"{Name} version {Version} ({VersionHash})";

    /// <summary>Set once, when the program has been handed this value.</summary>
    internal bool IsGiven { get; set; }

    /// <summary>The same fields with the same values, in whatever version.</summary>
    internal bool HasContentOf(SecretValue other) => CryptographicOperations.FixedTimeEquals(_digest, other._digest);

    /// <summary>From now on redaction knows the values.</summary>
    internal void Register()
    {
        foreach (var text in _texts.Values)
        {
            SecretRegistry.Shared.Add(text, this);
        }

        // A whole answer holds a token beside its fields when it is one of a login, or one that is wrapped.
        foreach (
            var token in (ReadOnlySpan<string?>)
                [Reply.Property("auth").Text("client_token"), Reply.Property("wrap_info").Text("token")]
        )
        {
            if (token is { Length: > 0 })
            {
                SecretRegistry.Shared.Add(token, this);
            }
        }
    }

    private static Dictionary<string, string> Texts(JsonElement fields)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var field in fields.EnumerateObject())
        {
            texts[field.Name] = Text(field.Value);
        }

        return texts;
    }

    private static string Text(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair: JSON can hold it, text cannot.
            return value.GetRawText();
        }
    }
}
