namespace Mayfly.Client;

/// <summary>One request of the HTTP API.</summary>
public sealed class MayflyRequest
{
    /// <summary>The media type of a JSON merge patch, which PATCH needs.</summary>
    public const string MergePatch = "application/merge-patch+json";

    /// <summary>A request for <paramref name="path"/>.</summary>
    /// <param name="method">The HTTP method.</param>
    /// <param name="path">The path below <c>/v1/</c>, not percent-encoded: <c>secret/data/app</c>.</param>
    public MayflyRequest(HttpMethod method, string path)
    {
        Method = method;
        Path = path.TrimStart('/');
        ChangesNothing = method == HttpMethod.Get || method == HttpMethod.Head || method.Method == "LIST";
    }

    /// <summary>The HTTP method.</summary>
    public HttpMethod Method { get; }

    /// <summary>The path below <c>/v1/</c>.</summary>
    public string Path { get; }

    /// <summary>
    /// It may be sent again whatever became of it. As a rule GET, HEAD and LIST may; a GET that makes credentials should not.
    /// </summary>
    public bool ChangesNothing { get; init; }

    /// <summary>Query parameters, not percent-encoded, in order.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Query { get; init; } = [];

    /// <summary>The body, UTF-8 JSON unless <see cref="ContentType"/> says otherwise; null for none.</summary>
    public ReadOnlyMemory<byte>? Body { get; init; }

    /// <summary>The media type of <see cref="Body"/>.</summary>
    public string ContentType { get; init; } = "application/json";

    /// <summary>Wrap the answer in a single-use token that lives this long, such as <c>5m</c>.</summary>
    public string? WrapTtl { get; init; }

    /// <summary>The namespace for this request instead of the client's; empty for none.</summary>
    public string? Namespace { get; init; }

    /// <summary>The token for this request instead of the client's; empty for none. A secret.</summary>
    public string? Token { get; init; }

    /// <summary>The media type of the answer, where there is a choice.</summary>
    internal string? Accept { get; init; }

    /// <summary>
    /// Who reads, <c>app/instance</c>, for rotations that wait for their consumers: 1 to 128 printable ASCII characters without
    /// spaces. Null for nobody in particular.
    /// </summary>
    public string? Consumer { get; init; }

    /// <summary>For a stream: the last event that was seen.</summary>
    internal string? LastEventId { get; init; }
}
