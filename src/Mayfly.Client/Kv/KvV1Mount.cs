using Mayfly.Client.Transport;

namespace Mayfly.Client.Kv;

/// <summary>
/// One key-value engine of version 1. Every call throws <see cref="MayflyApiException"/> when the server refuses and
/// <see cref="MayflyConnectionException"/> when no answer comes. Safe for concurrent use.
/// </summary>
public sealed class KvV1Mount
{
    private readonly MayflyClient _client;
    private readonly string _mount;

    internal KvV1Mount(MayflyClient client, string mount) => (_client, _mount) = (client, mount.Trim('/'));

    /// <summary>A secret, or null when there is none.</summary>
    /// <param name="path">Its path in the engine.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<KvSecret?> GetAsync(string path, CancellationToken cancellationToken = default)
    {
        var response = await _client.ReadAsync(PathOf(path), cancellationToken);
        return response.Status == 404 ? null : new KvSecret(response.EnsureSuccess().Data, metadata: default);
    }

    /// <summary>Writes a secret, in place of what was there.</summary>
    /// <param name="path">Its path in the engine.</param>
    /// <param name="fields">Its fields. Secrets.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task PutAsync(
        string path,
        IEnumerable<KeyValuePair<string, string>> fields,
        CancellationToken cancellationToken = default
    ) => PutJsonAsync(path, JsonBody.Of(fields), cancellationToken);

    /// <summary>As <see cref="PutAsync"/>, for fields that are not all strings.</summary>
    /// <param name="path">Its path in the engine.</param>
    /// <param name="json">A JSON object. A secret.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task PutJsonAsync(
        string path,
        ReadOnlyMemory<byte> json,
        CancellationToken cancellationToken = default
    ) => (await _client.WriteAsync(PathOf(path), json, cancellationToken)).EnsureSuccess();

    /// <summary>Removes a secret.</summary>
    /// <param name="path">Its path in the engine.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task DeleteAsync(string path, CancellationToken cancellationToken = default) =>
        (await _client.DeleteAsync(PathOf(path), cancellationToken)).EnsureSuccess();

    /// <summary>The names below a path; those of folders end in <c>/</c>. Empty when there is nothing.</summary>
    /// <param name="path">A folder in the engine; empty for the root.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<IReadOnlyList<string>> ListAsync(string path = "", CancellationToken cancellationToken = default)
    {
        var response = await _client.ListAsync(PathOf(path), cancellationToken);
        return response.Status == 404 ? [] : response.EnsureSuccess().Data.Texts("keys");
    }

    private string PathOf(string path) => $"{_mount}/{path.TrimStart('/')}";
}
