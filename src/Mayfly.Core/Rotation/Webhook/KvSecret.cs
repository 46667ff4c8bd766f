using System.Text;
using System.Text.Json;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Rotation.Webhook;

/// <summary>Carries out a request of the server's own, audited like any other.</summary>
internal delegate ValueTask<Outcome> AsServer(Request request, CancellationToken cancellation);

/// <summary>
/// A secret of a key-value engine, reached as everybody reaches it: by its paths. With versions a write expects the version that
/// was read. Immutable.
/// </summary>
/// <param name="AsServer">Carries out the requests.</param>
/// <param name="MountPath">Where the engine is.</param>
/// <param name="Name">The secret's name below it.</param>
/// <param name="Versioned">Whether the engine keeps versions.</param>
internal sealed record KvSecret(AsServer AsServer, string MountPath, string Name, bool Versioned)
{
    private const string Data = "data/";

    /// <summary>The path that readers read.</summary>
    public string ReadPath => MountPath + (Versioned ? Data : "") + Name;

    /// <summary>The secret at <paramref name="path"/> (with or without the <c>data/</c> of engines with versions), or null.</summary>
    public static KvSecret? Find(MountRegistry mounts, AsServer asServer, string path)
    {
        path = path.Trim('/');
        if (mounts.Table.Route(path) is not { Mount: { Type: "kv" or "generic" } mount })
        {
            return null;
        }

        var versioned = mount.Options.TryGetValue("version", out var version) && version == "2";
        var name = path[mount.Path.Length..];
        if (versioned && name.StartsWith(Data, StringComparison.Ordinal))
        {
            name = name[Data.Length..];
        }

        return name.Length == 0 ? null : new KvSecret(asServer, mount.Path, name, versioned);
    }

    /// <summary>The value that readers get, as JSON text, and its version (0 without versions).</summary>
    public async ValueTask<(string? Value, long Version, Fault? Fault)> ReadAsync(CancellationToken cancellation)
    {
        var outcome = await SendAsync(Operation.Read, ReadPath, SecretBytes.Empty, null, cancellation);
        using var response = outcome.Response;
        if (response is null)
        {
            return (
                null,
                0,
                outcome.Fault!.Kind == FaultKind.NotFound
                    ? Fault.Invalid($"there is no secret at {ReadPath}: write the first one")
                    : outcome.Fault
            );
        }

        using var document = JsonDocument.Parse(response.Data, Json.DocumentOptions);
        var root = document.RootElement;
        return Versioned
            ? (
                root.GetProperty("data").GetRawText(),
                root.GetProperty("metadata").GetProperty("version").GetInt64(),
                null
            )
            : (root.GetRawText(), 0, null);
    }

    /// <summary>Writes the value as what follows <paramref name="expected"/>.</summary>
    public async ValueTask<Fault?> WriteAsync(string value, long expected, CancellationToken cancellation)
    {
        using var versioned = Response.Object(writer =>
        {
            writer.WriteStartObject("options");
            writer.WriteNumber("cas", expected);
            writer.WriteEndObject();
            writer.WritePropertyName("data");
            writer.WriteRawValue(value);
        });
        var body = SecretBytes.CopyOf(Versioned ? versioned.Data.Span : Encoding.UTF8.GetBytes(value));
        var outcome = await SendAsync(Operation.Update, ReadPath, body, null, cancellation);
        outcome.Response?.Dispose();
        return outcome.Fault;
    }

    /// <summary>Shows times beside the secret, in its custom metadata; without versions there is no such thing.</summary>
    public async ValueTask<Fault?> RemarkAsync(
        IReadOnlyDictionary<string, string?> remarks,
        CancellationToken cancellation
    )
    {
        if (!Versioned)
        {
            return null;
        }

        using var reply = Response.Object(writer =>
        {
            writer.WriteStartObject("custom_metadata");
            foreach (var (key, remark) in remarks)
            {
                writer.WriteString(key, remark);
            }

            writer.WriteEndObject();
        });
        var body = SecretBytes.CopyOf(reply.Data.Span);
        var path = $"{MountPath}metadata/{Name}";
        var outcome = await SendAsync(Operation.Patch, path, body, "application/merge-patch+json", cancellation);
        outcome.Response?.Dispose();
        return outcome.Fault;
    }

    /// <summary>The reply that a read gives once <paramref name="value"/> has been written after version <paramref name="last"/>.</summary>
    public Response Reply(string value, long last, DateTimeOffset now) =>
        Versioned
            ? Response.Object(writer =>
            {
                writer.WritePropertyName("data");
                writer.WriteRawValue(value);
                writer.WriteStartObject("metadata");
                writer.WriteString("created_time", GoTime.Format(now));
                writer.WriteNull("custom_metadata");
                writer.WriteString("deletion_time", "");
                writer.WriteBoolean("destroyed", false);
                writer.WriteNumber("version", last + 1);
                writer.WriteEndObject();
            })
            : new Response(Encoding.UTF8.GetBytes(value));

    private async ValueTask<Outcome> SendAsync(
        Operation operation,
        string path,
        SecretBytes body,
        string? contentType,
        CancellationToken cancellation
    )
    {
        using var request = new Request
        {
            Id = Guid.NewGuid().ToString(),
            Operation = operation,
            Path = path,
            Body = body,
            ContentType = contentType,
        };
        return await AsServer(request, cancellation);
    }
}
