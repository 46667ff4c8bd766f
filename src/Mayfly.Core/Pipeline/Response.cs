using System.Text.Json;
using Mayfly.Core.Events;
using Mayfly.Core.Identity;
using Mayfly.Crypto;

namespace Mayfly.Core.Pipeline;

/// <summary>How a dialect is to lay out the data of a reply.</summary>
public enum ResponseShape
{
    /// <summary>Inside the envelope, under <c>data</c>.</summary>
    Envelope,

    /// <summary>Inside the envelope, and its keys once more at the top level, as several <c>sys/</c> replies have it.</summary>
    EnvelopeAndTop,

    /// <summary>The data alone, without an envelope.</summary>
    Bare,
}

/// <summary>
/// What an engine answers. The data is UTF-8 JSON from the start, so that stored JSON is copied to the wire rather than
/// parsed and written again. Owned by the pipeline, which disposes it after encoding (clearing the data).
/// </summary>
public sealed class Response : IDisposable
{
    private readonly IDisposable? _owner;

    /// <param name="data">A JSON object, or nothing.</param>
    /// <param name="owner">What to dispose once the data has been written out.</param>
    public Response(ReadOnlyMemory<byte> data = default, IDisposable? owner = null)
    {
        Data = data;
        _owner = owner;
    }

    /// <summary>A response that says nothing. A new one each time: responses are disposed.</summary>
    public static Response Empty => new();

    /// <summary>A JSON object in UTF-8; empty when there is no data.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    public ResponseShape Shape { get; init; }

    /// <summary>Remarks for the person behind the client.</summary>
    public List<string> Warnings { get; init; } = [];

    /// <summary>Set by an auth method: the pipeline mints a token for it.</summary>
    public TokenGrant? Grant { get; init; }

    /// <summary>The token that was minted; the reply's <c>auth</c>.</summary>
    public IssuedToken? Auth { get; set; }

    /// <summary>Set when the reply has been put behind a wrapping token.</summary>
    public WrapInfo? WrapInfo { get; set; }

    /// <summary>
    /// How long the data may be trusted, in the reply's <c>lease_duration</c>; zero when it says nothing. Set by the pipeline
    /// when there is a lease.
    /// </summary>
    public TimeSpan LeaseDuration { get; set; }

    /// <summary>The lease of what was issued, or "". Set by the pipeline.</summary>
    public string LeaseId { get; set; } = "";

    /// <summary>Whether the lease can be renewed. Set by the pipeline.</summary>
    public bool Renewable { get; set; }

    /// <summary>
    /// Not null when somebody waits for what becomes of the reply: must be called once, with true when it has left, and with
    /// false when it has not, so that nothing stays alive that nobody has received. Set by the pipeline.
    /// </summary>
    public Func<bool, ValueTask>? Settle { get; set; }

    /// <summary>For a credential that is on offer to consumers: how the reply itself names the version, for their acknowledgement.</summary>
    public string OfferedVersion { get; set; } = "";

    /// <summary>The type of the mount that answered, for the reply's <c>mount_type</c>; set by the pipeline.</summary>
    public string MountType { get; set; } = "";

    /// <summary>When not null, the reply is <see cref="Data"/> as it is, of this media type (such as metrics as text).</summary>
    public string? ContentType { get; init; }

    /// <summary>
    /// What the pipeline does once the reply is on record, before it leaves. For a handler that ends what records it: sealing.
    /// </summary>
    public Func<CancellationToken, ValueTask>? OnceRecorded { get; init; }

    /// <summary>It is decided, and will be done: said of an empty response, where it is not done yet.</summary>
    public bool IsAccepted { get; init; }

    /// <summary>When not null, the reply is this stream, for as long as both sides want it.</summary>
    public Subscription? Subscription { get; init; }

    public bool IsEmpty =>
        Data.IsEmpty
        && LeaseId.Length == 0
        && Auth is null
        && Grant is null
        && WrapInfo is null
        && Warnings.Count == 0
        && ContentType is null
        && Subscription is null;

    /// <summary>A response whose data <paramref name="write"/> writes: members of one JSON object.</summary>
    public static Response Object(Action<Utf8JsonWriter> write) => Object(ResponseShape.Envelope, write);

    /// <inheritdoc cref="Object(Action{Utf8JsonWriter})"/>
    public static Response Object(ResponseShape shape, Action<Utf8JsonWriter> write)
    {
        var buffer = new SecretBufferWriter();
        using (var writer = new Utf8JsonWriter(buffer, Json.WriterOptions))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        var bytes = buffer.Detach();
        return new Response(bytes.Memory, bytes) { Shape = shape };
    }

    /// <summary>The reply to LIST: <c>keys</c>, or not found when there are none.</summary>
    public static Outcome Keys(IReadOnlyList<string> keys) =>
        keys.Count == 0
            ? Fault.NotFound()
            : Object(writer =>
            {
                writer.WriteStartArray("keys");
                foreach (var key in keys)
                {
                    writer.WriteStringValue(key);
                }

                writer.WriteEndArray();
            });

    public void Dispose()
    {
        Subscription?.Dispose();
        _owner?.Dispose();
    }
}

/// <summary>What the caller gets instead of a wrapped reply.</summary>
public sealed record WrapInfo(
    string Token,
    string Accessor,
    TimeSpan Ttl,
    DateTimeOffset CreationTime,
    string CreationPath,
    string? WrappedAccessor
);
