using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Mayfly.Agent.Configuration;
using Mayfly.Agent.Files;
using Mayfly.Agent.Telemetry;
using Mayfly.Client;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Sinks;

/// <summary>
/// A file with the agent's token, replaced whole whenever there is another one. What cannot be written is tried again until it
/// can, or until there is a newer token; the old file stays meanwhile.
/// </summary>
internal sealed class FileSink(
    SinkStanza settings,
    MayflyClient client,
    AgentMetrics metrics,
    ILogger log,
    TimeProvider time
)
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _token;

    /// <summary>Ends when the file has been written for the first time.</summary>
    public Task Written => _written.Task;

    /// <summary>There is another token. Returns at once.</summary>
    public void Set(string token)
    {
        lock (_gate)
        {
            _token = token;
            _changed.TrySetResult();
        }
    }

    /// <summary>Writes until <paramref name="cancellation"/> ends.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        if (!MemoryFolder.Contains(settings.Path))
        {
            log.LogInformation(
                "The sink {Path} is on a disk; a folder in memory (tmpfs), such as /run, forgets tokens",
                settings.Path
            );
        }

        var failures = 0;
        while (!cancellation.IsCancellationRequested)
        {
            Task changed;
            string? token;
            lock (_gate)
            {
                if (_changed.Task.IsCompleted)
                {
                    _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    failures = 0;
                }

                changed = _changed.Task;
                token = _token;
            }

            if (token is null || await TryWriteAsync(token, cancellation))
            {
                await changed.WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            await changed
                .WaitAsync(Wait(failures++), time, cancellation)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> TryWriteAsync(string token, CancellationToken cancellation)
    {
        try
        {
            var content = settings.WrapTtl is { } ttl
                ? await WrapAsync(token, ttl, cancellation)
                : Encoding.UTF8.GetBytes(token);
            AtomicFile.Write(settings.Path, content, settings.Mode, settings.Owner, settings.Group);
            metrics.SinkWrites.Add();
            log.LogInformation("Token written to {Path}", settings.Path);
            _written.TrySetResult();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or MayflyException)
        {
            metrics.SinkFailures.Add();
            log.LogError("The sink {Path} could not be written, and is as it was: {Reason}", settings.Path, e.Message);
            return false;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>The token in a wrapping token, as the JSON of Vault's SecretWrapInfo.</summary>
    private async Task<byte[]> WrapAsync(string token, TimeSpan ttl, CancellationToken cancellation)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("token"u8, token);
            json.WriteEndObject();
        }

        var request = new MayflyRequest(HttpMethod.Put, "sys/wrapping/wrap")
        {
            Body = body.WrittenMemory,
            Token = token,
            WrapTtl = ((long)ttl.TotalSeconds).ToString(CultureInfo.InvariantCulture) + "s",
        };
        var answer = (await client.SendAsync(request, cancellation)).EnsureSuccess();
        return answer.WrapInfo.ValueKind == JsonValueKind.Object
            ? Encoding.UTF8.GetBytes(answer.WrapInfo.GetRawText())
            : throw new IOException("the server has not wrapped the token");
    }

    private static TimeSpan Wait(int failures)
    {
        var ceiling = FirstWait * Math.Pow(2, Math.Min(failures, 8));
        ceiling = ceiling < LongestWait ? ceiling : LongestWait;
        return ceiling * (0.5 + RandomNumberGenerator.GetInt32(500) / 1000.0);
    }
}
