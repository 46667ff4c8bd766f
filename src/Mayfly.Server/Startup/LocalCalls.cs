using System.Buffers;
using System.Text.Json;
using Mayfly.Core;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Server.Startup;

/// <summary>Calls the vault as a client would, without a network: development mode has no private way in.</summary>
internal sealed class LocalCalls(Vault vault)
{
    public string? Token { get; set; }

    /// <summary>Writes. The data of the reply, or an undefined element for a reply without.</summary>
    /// <exception cref="StartupException">The vault refused.</exception>
    public async Task<JsonElement> WriteAsync(
        string path,
        Action<Utf8JsonWriter> fields,
        CancellationToken cancellation
    )
    {
        using var body = new SecretBufferWriter();
        using (var json = new Utf8JsonWriter(body, Json.WriterOptions))
        {
            json.WriteStartObject();
            fields(json);
            json.WriteEndObject();
        }

        return await CallAsync(Operation.Update, path, body.Detach(), cancellation);
    }

    /// <summary>Reads. The data of the reply.</summary>
    /// <exception cref="StartupException">The vault refused.</exception>
    public Task<JsonElement> ReadAsync(string path, CancellationToken cancellation) =>
        CallAsync(Operation.Read, path, SecretBytes.Empty, cancellation);

    private async Task<JsonElement> CallAsync(
        Operation operation,
        string path,
        SecretBytes body,
        CancellationToken cancellation
    )
    {
        using var request = new Request
        {
            Id = Guid.NewGuid().ToString(),
            Operation = operation,
            Path = path,
            Token = Token,
            Body = body,
        };
        var outcome = await vault.HandleAsync(request, cancellation);
        if (outcome.Fault is { } fault)
        {
            throw new StartupException($"{path}: {string.Join("; ", fault.Messages)}");
        }

        using var response = outcome.Response!;
        return response.Data.IsEmpty ? default : JsonDocument.Parse(response.Data.ToArray()).RootElement;
    }
}
