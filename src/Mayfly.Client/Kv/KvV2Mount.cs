using System.Globalization;
using System.Text.Json;
using Mayfly.Client.Transport;

namespace Mayfly.Client.Kv;

/// <summary>
/// One key-value engine of version 2. Paths are those that people use, without <c>data/</c> or <c>metadata/</c>. Every call throws
/// <see cref="MayflyApiException"/> when the server refuses and <see cref="MayflyConnectionException"/> when no answer comes. Safe
/// for concurrent use.
/// </summary>
public sealed class KvV2Mount
{
    private readonly MayflyClient _client;
    private readonly string _mount;

    internal KvV2Mount(MayflyClient client, string mount) => (_client, _mount) = (client, mount.Trim('/'));

    /// <summary>A secret; null when there is none, or the version is deleted or destroyed.</summary>
    /// <param name="path">Its path in the engine.</param>
    /// <param name="version">The version; null for the current one.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<KvSecret?> GetAsync(
        string path,
        int? version = null,
        CancellationToken cancellationToken = default
    )
    {
        var request = new MayflyRequest(HttpMethod.Get, PathOf("data", path))
        {
            Query = version is { } number ? [new("version", number.ToString(CultureInfo.InvariantCulture))] : [],
        };
        var response = await _client.SendAsync(request, cancellationToken);
        if (response.Status == 404)
        {
            return null;
        }

        var data = response.EnsureSuccess().Data;
        return new KvSecret(data.Property("data"), data.Property("metadata"));
    }

    /// <summary>Writes a new version.</summary>
    /// <param name="path">Its path in the engine.</param>
    /// <param name="fields">Its fields. Secrets.</param>
    /// <param name="cas">
    /// Only when the current version is this one; 0 only when there is none. Otherwise the exception's
    /// <see cref="MayflyApiException.IsVersionMismatch"/> tells.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<KvVersion> PutAsync(
        string path,
        IEnumerable<KeyValuePair<string, string>> fields,
        int? cas = null,
        CancellationToken cancellationToken = default
    ) => PutJsonAsync(path, JsonBody.Of(fields), cas, cancellationToken);

    /// <summary>As <see cref="PutAsync"/>, for fields that are not all strings.</summary>
    /// <param name="path">Its path in the engine.</param>
    /// <param name="json">A JSON object. A secret.</param>
    /// <param name="cas">As for <see cref="PutAsync"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="JsonException"><paramref name="json"/> is not JSON.</exception>
    public Task<KvVersion> PutJsonAsync(
        string path,
        ReadOnlyMemory<byte> json,
        int? cas = null,
        CancellationToken cancellationToken = default
    ) => SendVersionAsync(HttpMethod.Put, path, json, cas, cancellationToken);

    /// <summary>Changes some fields of the current version, which makes a new one.</summary>
    /// <param name="path">Its path in the engine.</param>
    /// <param name="fields">The fields to set, and with null to remove. Secrets.</param>
    /// <param name="cas">As for <see cref="PutAsync"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<KvVersion> PatchAsync(
        string path,
        IEnumerable<KeyValuePair<string, string?>> fields,
        int? cas = null,
        CancellationToken cancellationToken = default
    ) => SendVersionAsync(HttpMethod.Patch, path, JsonBody.OfNullable(fields), cas, cancellationToken);

    /// <summary>Deletes the current version, or the given ones, so that they can be had back.</summary>
    /// <param name="path">Its path in the engine.</param>
    /// <param name="versions">The versions; none for the current one.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task DeleteAsync(
        string path,
        IReadOnlyCollection<int>? versions = null,
        CancellationToken cancellationToken = default
    )
    {
        if (versions is { Count: > 0 })
        {
            await SendVersionsAsync("delete", path, versions, cancellationToken);
            return;
        }

        (await _client.DeleteAsync(PathOf("data", path), cancellationToken)).EnsureSuccess();
    }

    /// <summary>Has deleted versions back.</summary>
    /// <param name="path">Its path in the engine.</param>
    /// <param name="versions">The versions.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task UndeleteAsync(
        string path,
        IReadOnlyCollection<int> versions,
        CancellationToken cancellationToken = default
    ) => SendVersionsAsync("undelete", path, versions, cancellationToken);

    /// <summary>Destroys versions for good.</summary>
    /// <param name="path">Its path in the engine.</param>
    /// <param name="versions">The versions.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task DestroyAsync(
        string path,
        IReadOnlyCollection<int> versions,
        CancellationToken cancellationToken = default
    ) => SendVersionsAsync("destroy", path, versions, cancellationToken);

    /// <summary>The names below a path; those of folders end in <c>/</c>. Empty when there is nothing.</summary>
    /// <param name="path">A folder in the engine; empty for the root.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<IReadOnlyList<string>> ListAsync(string path = "", CancellationToken cancellationToken = default)
    {
        var response = await _client.ListAsync(PathOf("metadata", path), cancellationToken);
        return response.Status == 404 ? [] : response.EnsureSuccess().Data.Texts("keys");
    }

    /// <summary>A secret's settings and versions; null when there is none.</summary>
    /// <param name="path">Its path in the engine.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<KvMetadata?> GetMetadataAsync(string path, CancellationToken cancellationToken = default)
    {
        var response = await _client.ReadAsync(PathOf("metadata", path), cancellationToken);
        return response.Status == 404 ? null : KvMetadata.Read(response.EnsureSuccess().Data);
    }

    /// <summary>Changes a secret's settings. Makes the secret, without a version, when there is none.</summary>
    /// <param name="path">Its path in the engine.</param>
    /// <param name="change">What to change.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task PutMetadataAsync(
        string path,
        KvMetadataChange change,
        CancellationToken cancellationToken = default
    )
    {
        var body = JsonBody.Of(
            change,
            static (json, change) =>
            {
                json.Integer("max_versions", change.MaxVersions);
                json.Boolean("cas_required", change.IsCasRequired);
                json.Text("delete_version_after", DurationText.Of(change.DeleteVersionAfter));
                json.StringsByName("custom_metadata", change.CustomMetadata);
            }
        );
        (await _client.WriteAsync(PathOf("metadata", path), body, cancellationToken)).EnsureSuccess();
    }

    /// <summary>Removes a secret with all its versions and settings, for good.</summary>
    /// <param name="path">Its path in the engine.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task DeleteMetadataAsync(string path, CancellationToken cancellationToken = default) =>
        (await _client.DeleteAsync(PathOf("metadata", path), cancellationToken)).EnsureSuccess();

    private string PathOf(string kind, string path) => $"{_mount}/{kind}/{path.TrimStart('/')}";

    private async Task<KvVersion> SendVersionAsync(
        HttpMethod method,
        string path,
        ReadOnlyMemory<byte> data,
        int? cas,
        CancellationToken cancellationToken
    )
    {
        var request = new MayflyRequest(method, PathOf("data", path))
        {
            Body = JsonBody.Of(
                (data, cas),
                static (json, state) =>
                {
                    if (state.cas is { } version)
                    {
                        json.WriteStartObject("options");
                        json.WriteNumber("cas", version);
                        json.WriteEndObject();
                    }

                    json.WritePropertyName("data");
                    json.WriteRawValue(state.data.Span);
                }
            ),
            ContentType = method == HttpMethod.Patch ? MayflyRequest.MergePatch : "application/json",
        };
        return KvVersion.Read((await _client.SendAsync(request, cancellationToken)).EnsureSuccess().Data);
    }

    private async Task SendVersionsAsync(
        string verb,
        string path,
        IReadOnlyCollection<int> versions,
        CancellationToken cancellationToken
    )
    {
        var body = JsonBody.Of(versions, static (json, versions) => json.Integers("versions", versions));
        (await _client.WriteAsync(PathOf(verb, path), body, cancellationToken)).EnsureSuccess();
    }
}
