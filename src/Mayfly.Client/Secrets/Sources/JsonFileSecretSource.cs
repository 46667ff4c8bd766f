using System.Text.Json;

namespace Mayfly.Client.Secrets.Sources;

/// <summary>
/// Secrets from one JSON file, an object by name: <c>{"db": {"username": "app", "password": "…"}, "key": "…"}</c>. An object is a
/// secret's fields, anything else its field <c>value</c>. A file that is replaced is noticed within a second. Safe for concurrent
/// use.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="time">The clock for looking at the file; a test hands in its own.</param>
public sealed class JsonFileSecretSource(string path, TimeProvider? time = null) : IWatchableSecretSource
{
    private readonly string _path = Path.GetFullPath(path);
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <inheritdoc/>
    public string Id => "file " + _path;

    /// <inheritdoc/>
    public async Task<FetchedSecret> FetchAsync(string name, CancellationToken cancellationToken)
    {
        var content = await FileStamp.ReadAsync(name, _path, cancellationToken);
        JsonElement root;
        try
        {
            root = JsonElement.Parse(content);
        }
        catch (JsonException failure)
        {
            // Its message could quote the file.
            throw new SecretSourceException(
                SecretFailure.Invalid,
                $"{name}: {_path} is not JSON, see line {failure.LineNumber + 1}."
            );
        }

        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new SecretSourceException(
                SecretFailure.Invalid,
                $"{name}: {_path} is not an object of secrets by name."
            );
        }

        return !root.TryGetProperty(name, out var secret)
                ? throw new SecretSourceException(SecretFailure.NotFound, $"{name}: {_path} has no such member.")
            : secret.ValueKind == JsonValueKind.Object ? new FetchedSecret(secret)
            : FetchedSecret.Of(secret.ValueKind == JsonValueKind.String ? secret.GetString()! : secret.GetRawText());
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<SecretChange> WatchAsync(CancellationToken cancellationToken) =>
        FileStamp.WatchAsync(_path, _time, cancellationToken);
}
