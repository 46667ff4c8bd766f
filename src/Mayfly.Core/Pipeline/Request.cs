using System.Net;
using Mayfly.Crypto;

namespace Mayfly.Core.Pipeline;

/// <summary>
/// A request as a dialect decoded it: nothing has been checked yet beyond its form. Owned by the dialect, which disposes
/// it (clearing the body) after the reply.
/// </summary>
public sealed class Request : IDisposable
{
    /// <summary>A UUID that names the request in replies, the audit and logs.</summary>
    public required string Id { get; init; }

    /// <summary>What is wanted. The pipeline may turn Update into Create.</summary>
    public required Operation Operation { get; set; }

    /// <summary>
    /// The path after <c>/v1/</c>, decoded, without a leading slash: <c>secret/data/app</c>. Ends with a slash for a LIST.
    /// The dialect has refused paths with empty, <c>.</c> or <c>..</c> segments and control characters.
    /// </summary>
    public required string Path { get; init; }

    /// <summary>The token that the caller showed, or null.</summary>
    public string? Token { get; init; }

    /// <summary>The body: a JSON object in UTF-8 that has been checked to be well-formed, or nothing.</summary>
    public SecretBytes Body { get; init; } = SecretBytes.Empty;

    /// <summary>Parameters of the query string; fields of a request without a body are read from here.</summary>
    public IReadOnlyDictionary<string, string> Query { get; init; } = NoQuery;

    /// <summary>Who is calling, as the socket (or a trusted proxy) says.</summary>
    public IPAddress RemoteAddress { get; init; } = IPAddress.Loopback;

    public int RemotePort { get; init; }

    /// <summary>How long the reply is to stay wrapped, or null when it is not to be wrapped.</summary>
    public TimeSpan? WrapTtl { get; init; }

    /// <summary>The body's media type, where it matters (merge patch).</summary>
    public string? ContentType { get; init; }

    /// <summary>The program that reads, as it calls itself (<c>app/instance</c>), or null when it does not say.</summary>
    public string? Consumer { get; init; }

    /// <summary>Request headers that the audit may record, by lower-case name.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = NoQuery;

    /// <summary>What a rate limit says, for the reply's headers; null when nobody wants to know. Set by the pipeline.</summary>
    public RateStatus? RateStatus { get; set; }

    /// <summary>The form in which the caller can take a stream, if it asks for one.</summary>
    public StreamKind Stream { get; init; }

    /// <summary>For a stream: the last event that the caller has seen, or null.</summary>
    public string? LastEventId { get; init; }

    private static readonly Dictionary<string, string> NoQuery = [];

    public void Dispose() => Body.Dispose();
}

/// <summary>How a caller asks for a reply that goes on and on.</summary>
public enum StreamKind
{
    /// <summary>It does not.</summary>
    None,

    /// <summary>Messages in both directions, of which only the server's mean anything.</summary>
    WebSocket,

    /// <summary>One reply that has no end.</summary>
    ServerSentEvents,
}
