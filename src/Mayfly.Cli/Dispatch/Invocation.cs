using System.Text.Json;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Dispatch;

/// <summary>One run of one command: its arguments, the server, and where the result goes.</summary>
internal sealed class Invocation(
    Session session,
    IReadOnlyList<string> arguments,
    ConnectionFlags connection,
    OutputFormat format,
    string? wantedField,
    CancellationToken cancellation
) : IDisposable
{
    private MayflyClientOptions? _options;
    private MayflyClient? _client;

    public Session Session => session;

    /// <summary>The positional arguments.</summary>
    public IReadOnlyList<string> Arguments => arguments;

    public Printer Print { get; } = new(session, format);

    public string? Field => wantedField;

    public CancellationToken Cancellation => cancellation;

    /// <summary>Flags before environment before defaults.</summary>
    public MayflyClientOptions Options => _options ??= connection.Options(session);

    /// <summary>A look-up of environment variables in which connection flags stand for theirs.</summary>
    public Func<string, string?> Variables => connection.Variables(session);

    /// <summary>The client; made, and its libraries loaded, at first use.</summary>
    public MayflyClient Client => _client ??= new MayflyClient(Options);

    public Task<MayflyResponse> ReadAsync(string path, params KeyValuePair<string, string>[] query) =>
        SendAsync(new MayflyRequest(HttpMethod.Get, path) { Query = query, WrapTtl = WrapTtl });

    public Task<MayflyResponse> ListAsync(string path) =>
        ReadAsync(path, new KeyValuePair<string, string>("list", "true"));

    public Task<MayflyResponse> WriteAsync(string path, ReadOnlyMemory<byte> json) =>
        SendAsync(new MayflyRequest(HttpMethod.Put, path) { Body = json, WrapTtl = WrapTtl });

    /// <summary>Writes an object whose members <paramref name="members"/> writes.</summary>
    public Task<MayflyResponse> WriteAsync(string path, Action<Utf8JsonWriter> members) =>
        WriteAsync(
            path,
            JsonText.Bytes(writer =>
            {
                writer.WriteStartObject();
                members(writer);
                writer.WriteEndObject();
            })
        );

    public Task<MayflyResponse> PatchAsync(string path, ReadOnlyMemory<byte> json) =>
        SendAsync(
            new MayflyRequest(HttpMethod.Patch, path)
            {
                Body = json,
                ContentType = MayflyRequest.MergePatch,
                WrapTtl = WrapTtl,
            }
        );

    public Task<MayflyResponse> DeleteAsync(string path) => SendAsync(new MayflyRequest(HttpMethod.Delete, path));

    public Task<MayflyResponse> SendAsync(MayflyRequest request) => Client.SendAsync(request, cancellation);

    public string? WrapTtl => connection.WrapTtl(session);

    /// <summary>Says why the server refused, and what was being done.</summary>
    public int Refused(string doing, MayflyResponse response)
    {
        Print.Error($"{doing}: {MayflyApiException.Describe(response)}");
        foreach (var warning in response.Warnings)
        {
            Print.Warn($"\n{warning}");
        }

        return Exit.Server;
    }

    /// <summary>Says what is wrong with what was typed.</summary>
    public int Wrong(string message)
    {
        Print.Error(message);
        return Exit.Local;
    }

    /// <summary>One line on success, or why not.</summary>
    public int Done(string success, string doing, MayflyResponse response)
    {
        if (!response.IsSuccess)
        {
            return Refused(doing, response);
        }

        Print.Warnings(response);
        Print.Line(success);
        return Exit.Ok;
    }

    /// <summary>The whole answer, or the one field that was asked for.</summary>
    public int Show(MayflyResponse response) =>
        Field is { } name ? ShowField(name, SecretRows.Field(response, name)) : ShowWhole(response);

    /// <summary>The one field alone, or that it is not there.</summary>
    public int ShowField(string name, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Undefined)
        {
            return Wrong($"Field \"{name}\" not present in secret");
        }

        if (Print.IsTable)
        {
            Print.Raw(PlainText.Of(value));
        }
        else
        {
            Print.Structured(value);
        }

        return Exit.Ok;
    }

    public void Dispose() => _client?.Dispose();

    private int ShowWhole(MayflyResponse response)
    {
        Print.Secret(response);
        return Exit.Ok;
    }
}
