using Mayfly.Client.Transport;

namespace Mayfly.Client.Wrapping;

/// <summary>
/// <c>sys/wrapping</c>. Every call throws <see cref="MayflyApiException"/> when the server refuses and
/// <see cref="MayflyConnectionException"/> when no answer comes. Safe for concurrent use.
/// </summary>
public sealed class WrappingPaths
{
    private readonly MayflyClient _client;

    internal WrappingPaths(MayflyClient client) => _client = client;

    /// <summary>Wraps data of the caller's own.</summary>
    /// <param name="json">A JSON object.</param>
    /// <param name="ttl">How long it waits.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<WrapInfo> WrapAsync(
        ReadOnlyMemory<byte> json,
        TimeSpan ttl,
        CancellationToken cancellationToken = default
    )
    {
        var request = new MayflyRequest(HttpMethod.Put, "sys/wrapping/wrap")
        {
            Body = json,
            WrapTtl = DurationText.Of(ttl),
        };
        return await InfoAsync(request, cancellationToken);
    }

    /// <summary>The wrapped answer. Works once, and needs no other token.</summary>
    /// <param name="token">The wrapping token. A secret.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<MayflyResponse> UnwrapAsync(string token, CancellationToken cancellationToken = default)
    {
        var request = new MayflyRequest(HttpMethod.Put, "sys/wrapping/unwrap") { Token = token };
        return (await _client.SendAsync(request, cancellationToken)).EnsureSuccess();
    }

    /// <summary>What is known of a wrapping token, without using it up. Needs no other token.</summary>
    /// <param name="token">The wrapping token. A secret.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<WrapLookup> LookupAsync(string token, CancellationToken cancellationToken = default)
    {
        var request = new MayflyRequest(HttpMethod.Put, "sys/wrapping/lookup")
        {
            Body = JsonBody.Of(("token", token)),
            Token = "",
        };
        var data = (await _client.SendAsync(request, cancellationToken)).EnsureSuccess().Data;
        return new WrapLookup(
            data.Text("creation_path") ?? "",
            data.Instant("creation_time"),
            data.Seconds("creation_ttl")
        );
    }

    /// <summary>Moves what is wrapped behind a new token, with its time from the beginning; the old one is used up. Needs the right to.</summary>
    /// <param name="token">The wrapping token. A secret.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<WrapInfo> RewrapAsync(string token, CancellationToken cancellationToken = default) =>
        InfoAsync(
            new MayflyRequest(HttpMethod.Put, "sys/wrapping/rewrap") { Body = JsonBody.Of(("token", token)) },
            cancellationToken
        );

    private async Task<WrapInfo> InfoAsync(MayflyRequest request, CancellationToken cancellationToken)
    {
        var response = (await _client.SendAsync(request, cancellationToken)).EnsureSuccess();
        return WrapInfo.Read(response.WrapInfo) ?? throw new FormatException("The server's answer is not wrapped.");
    }
}
