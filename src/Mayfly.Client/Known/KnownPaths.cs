using System.Buffers.Binary;
using System.Text.Json;
using Mayfly.Client.Transport;

namespace Mayfly.Client.Known;

/// <summary>
/// <c>sys/known</c>: finds out whether texts are secrets of the server, without showing it the texts. The calls carry the
/// messages alone; what is in them is computed by RFC 9497's OPRF(P-256, SHA-256). Every call throws
/// <see cref="MayflyApiException"/> when the server refuses, <see cref="MayflyConnectionException"/> when no answer comes, and
/// <see cref="FormatException"/> when the answer is none of this kind. Safe for concurrent use.
/// </summary>
public sealed class KnownPaths
{
    private const int ValueSize = 16;

    private readonly MayflyClient _client;

    internal KnownPaths(MayflyClient client) => _client = client;

    /// <summary>Begins a comparison. The server may first have to prepare its secrets, and says so by 503 with a <c>Retry-After</c>.</summary>
    /// <param name="prefix">Only secrets whose paths begin with it; "" for all that the caller may know.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<KnownSession> BeginAsync(string prefix = "", CancellationToken cancellationToken = default)
    {
        var response = await SendAsync("session", ("prefix", prefix), cancellationToken);
        var data = response.Data;
        var packed = Bytes(data, "filter");
        var filter = new uint[packed.Length / sizeof(uint)];
        for (var i = 0; i < filter.Length; i++)
        {
            filter[i] = BinaryPrimitives.ReadUInt32LittleEndian(packed.AsSpan(i * sizeof(uint)));
        }

        var session = new KnownSession(
            data.Text("suite") ?? "",
            (int)data.Number("batch_size"),
            Bytes(data, "filter_key"),
            (int)data.Number("filter_bits"),
            filter,
            Bytes(data, "values"),
            response.Warnings
        );
        return
            session.FilterKey.Length == 16
            && session.FilterBits is >= 1 and <= 32
            && session.BatchSize > 0
            && session.Values.Length % ValueSize == 0
            ? session
            : throw NoAnswer();
    }

    /// <summary>Has the server evaluate its function at blinded texts.</summary>
    /// <param name="elements">Compressed points of 33 bytes, one after the other.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>As many points, in the same order.</returns>
    public async Task<ReadOnlyMemory<byte>> EvaluateAsync(
        ReadOnlyMemory<byte> elements,
        CancellationToken cancellationToken = default
    )
    {
        var text = Convert.ToBase64String(elements.Span);
        var response = await SendAsync("evaluate", ("elements", text), cancellationToken);
        var evaluated = Bytes(response.Data, "elements");
        return evaluated.Length == elements.Length ? evaluated : throw NoAnswer();
    }

    /// <summary>Which secrets values of the function belong to.</summary>
    /// <param name="values">Values of 16 bytes, one after the other.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<IReadOnlyList<KnownSecret>> LookUpAsync(
        ReadOnlyMemory<byte> values,
        CancellationToken cancellationToken = default
    )
    {
        var response = await SendAsync("lookup", ("values", Convert.ToBase64String(values.Span)), cancellationToken);
        var secrets = response.Data.Property("secrets");
        return secrets.ValueKind != JsonValueKind.Array
            ? throw NoAnswer()
            :
            [
                .. secrets
                    .EnumerateArray()
                    .Select(secret => new KnownSecret(
                        Bytes(secret, "value"),
                        secret.Text("path"),
                        secret.Text("version"),
                        secret.Flag("current")
                    )),
            ];
    }

    private async Task<MayflyResponse> SendAsync(
        string path,
        (string Name, string Value) field,
        CancellationToken cancellationToken
    )
    {
        var request = new MayflyRequest(HttpMethod.Put, "sys/known/" + path)
        {
            Body = JsonBody.Of((field.Name, field.Value)),
        };
        return (await _client.SendAsync(request, cancellationToken)).EnsureSuccess();
    }

    private static byte[] Bytes(JsonElement data, string name) =>
        data.Property(name) is { ValueKind: JsonValueKind.String } text && text.TryGetBytesFromBase64(out var bytes)
            ? bytes
            : throw NoAnswer();

    private static FormatException NoAnswer() => new("The server's answer is none to a comparison of secrets.");
}
