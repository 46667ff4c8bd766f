using System.Text.Json;
using Mayfly.Client.Transport;

namespace Mayfly.Client.Sys;

/// <summary>
/// What the server tells of itself, without a token. Every call throws <see cref="MayflyApiException"/> when the answer is none
/// of this kind, and <see cref="MayflyConnectionException"/> when none comes. Safe for concurrent use.
/// </summary>
public sealed class SysPaths
{
    private readonly MayflyClient _client;

    internal SysPaths(MayflyClient client) => _client = client;

    /// <summary>How the server is. A sealed or uninitialized one answers, too: that is not a failure of the call.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<Health> HealthAsync(CancellationToken cancellationToken = default)
    {
        var response = await ReadAsync("sys/health", cancellationToken);
        var root = response.Root;
        if (root.Property("initialized").ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            throw new MayflyApiException(response);
        }

        return new Health(
            root.Flag("initialized"),
            root.Flag("sealed"),
            root.Flag("standby"),
            DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(root.Number("server_time_utc"), 0, 253402300799)),
            root.Text("version") ?? "",
            root.Text("cluster_name") ?? "",
            root.Text("cluster_id") ?? ""
        );
    }

    /// <summary>How far the server is from being unsealed.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<SealStatus> SealStatusAsync(CancellationToken cancellationToken = default)
    {
        var root = (await ReadAsync("sys/seal-status", cancellationToken)).EnsureSuccess().Root;
        return new SealStatus(
            root.Text("type") ?? "",
            root.Flag("initialized"),
            root.Flag("sealed"),
            (int)root.Number("t"),
            (int)root.Number("n"),
            (int)root.Number("progress"),
            root.Text("version") ?? "",
            root.Text("storage_type") ?? ""
        );
    }

    private Task<MayflyResponse> ReadAsync(string path, CancellationToken cancellationToken) =>
        _client.SendAsync(new MayflyRequest(HttpMethod.Get, path) { Token = "", Namespace = "" }, cancellationToken);
}
