using System.Text.Json;
using Mayfly.Client.Leases;
using Mayfly.Client.Transport;
using Mayfly.Client.Wrapping;

namespace Mayfly.Client;

/// <summary>What the server said, whether success or failure.</summary>
public sealed class MayflyResponse
{
    private readonly JsonElement _root;

    internal MayflyResponse(
        int status,
        string method,
        Uri address,
        ReadOnlyMemory<byte> body,
        TimeSpan? retryAfter = null
    )
    {
        Status = status;
        Method = method;
        Address = address;
        Body = body;
        RetryAfter = retryAfter;
        _root = ParseOrDefault(body.Span);
        Errors = Texts("errors");
        Warnings = Texts("warnings");
    }

    /// <summary>A response made here, for a result that several answers add up to.</summary>
    /// <param name="status">The HTTP status code.</param>
    /// <param name="json">The body.</param>
    public static MayflyResponse Compose(int status, ReadOnlyMemory<byte> json) =>
        new(status, "", new Uri("about:blank"), json);

    /// <summary>The HTTP status code.</summary>
    public int Status { get; }

    /// <summary>The status is 2xx.</summary>
    public bool IsSuccess => Status is >= 200 and < 300;

    /// <summary>The method of the request.</summary>
    public string Method { get; }

    /// <summary>The whole address of the request. It holds no secret: tokens travel in headers.</summary>
    public Uri Address { get; }

    /// <summary>The body as it came.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>The body as JSON; of kind <see cref="JsonValueKind.Undefined"/> when it is empty or not JSON.</summary>
    public JsonElement Root => _root;

    /// <summary>The server's error messages.</summary>
    public IReadOnlyList<string> Errors { get; }

    /// <summary>The server's warnings.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>The server's name for the request; empty when it does not say.</summary>
    public string RequestId => _root.Text("request_id") ?? "";

    /// <summary>How long the server asks to wait, or null.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>The envelope's <c>data</c>, or undefined.</summary>
    public JsonElement Data => Member("data");

    /// <summary>The envelope's <c>auth</c>, or undefined.</summary>
    public JsonElement Auth => Member("auth");

    /// <summary>The envelope's <c>wrap_info</c>, or undefined.</summary>
    public JsonElement WrapInfo => Member("wrap_info");

    /// <summary>How long the content lives; null when nothing ends it.</summary>
    public Lease? Lease =>
        _root.Text("lease_id") is { Length: > 0 } id
            ? new Lease(id, _root.Seconds("lease_duration"), _root.Flag("renewable"))
            : null;

    /// <summary>The token behind which the content waits; null when it is here.</summary>
    public WrapInfo? Wrapped => Wrapping.WrapInfo.Read(WrapInfo);

    /// <summary>Returns this when it is a success.</summary>
    /// <exception cref="MayflyApiException">The status is not 2xx.</exception>
    public MayflyResponse EnsureSuccess() => IsSuccess ? this : throw new MayflyApiException(this);

    /// <summary>A member of the body's object; undefined when it is absent or null.</summary>
    /// <param name="name">The member's name.</param>
    public JsonElement Member(string name) =>
        _root.ValueKind == JsonValueKind.Object
        && _root.TryGetProperty(name, out var value)
        && value.ValueKind != JsonValueKind.Null
            ? value
            : default;

    private List<string> Texts(string name)
    {
        var list = new List<string>();
        var array = Member(name);
        if (array.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in array.EnumerateArray())
            {
                list.Add(Text(item));
            }
        }

        return list;
    }

    private static string Text(JsonElement item)
    {
        try
        {
            return item.ValueKind == JsonValueKind.String ? item.GetString()! : item.GetRawText();
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair: JSON can hold it, text cannot.
            return item.GetRawText();
        }
    }

    private static JsonElement ParseOrDefault(ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty)
        {
            return default;
        }

        try
        {
            return JsonElement.Parse(body);
        }
        catch (JsonException)
        {
            // Metrics are text, and a proxy's error page is HTML: the caller still gets the status and the bytes.
            return default;
        }
    }
}
