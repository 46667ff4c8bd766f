using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mayfly.Server.Startup;

/// <summary>
/// What a development server needs to open its data again. It stands in clear beside the data, readable by its owner
/// alone: that is the bargain of development mode, and the reason it is not for production.
/// </summary>
internal sealed record DevKeys(string UnsealKey, string RootToken)
{
    /// <summary>Whether mounts and audit have been made: a start that was interrupted goes on where it stopped.</summary>
    public bool Furnished { get; init; }

    private const string FileName = "dev-keys.json";

    /// <summary>The keys in <paramref name="folder"/>, or null when there are none yet.</summary>
    /// <exception cref="StartupException">The file is not what was written.</exception>
    public static DevKeys? Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), DevKeysJson.Default.DevKeys);
        }
        catch (JsonException e)
        {
            throw new StartupException($"{path} is damaged; without it the data in {folder} cannot be opened", e);
        }
    }

    /// <summary>Replaces the file as a whole.</summary>
    public void Write(string folder)
    {
        var path = Path.Combine(folder, FileName);
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using (var file = new FileStream(path + ".new", options))
        {
            file.Write(JsonSerializer.SerializeToUtf8Bytes(this, DevKeysJson.Default.DevKeys));
            file.Flush(flushToDisk: true);
        }

        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>Says nothing: secrets are in here.</summary>
    public override string ToString() => nameof(DevKeys);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(DevKeys))]
internal sealed partial class DevKeysJson : JsonSerializerContext;
