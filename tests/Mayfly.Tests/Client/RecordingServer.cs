using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mayfly.Tests.Client;

/// <summary>Answers what a test has prepared, and keeps what it was asked.</summary>
internal sealed class RecordingServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, Queue<Answer>> _answers = new(StringComparer.Ordinal);

    private RecordingServer(WebApplication app) => _app = app;

    public ConcurrentQueue<Asked> Requests { get; } = [];

    public string Address => _app.Urls.First();

    public static async Task<RecordingServer> StartAsync(
        X509Certificate2? certificate = null,
        string? socket = null,
        bool wantsClientCertificate = false
    )
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            if (socket is not null)
            {
                kestrel.ListenUnixSocket(socket);
                return;
            }

            kestrel.Listen(IPAddress.Loopback, 0, listen => Secure(listen, certificate, wantsClientCertificate));
        });
        if (certificate is not null)
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        var server = new RecordingServer(builder.Build());
        server._app.Run(server.AnswerAsync);
        await server._app.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    /// <summary>Prepares an answer. Several for one request come in order; the last one stays.</summary>
    public RecordingServer On(
        string request,
        int status,
        string body = "",
        string? location = null,
        string? retryAfter = null
    )
    {
        _answers
            .GetOrAdd(request, static _ => new Queue<Answer>())
            .Enqueue(new Answer(status, body, location, retryAfter));
        return this;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }

    private static void Secure(ListenOptions listen, X509Certificate2? certificate, bool wantsClientCertificate)
    {
        if (certificate is null)
        {
            return;
        }

        listen.UseHttps(
            certificate,
            https =>
            {
                if (wantsClientCertificate)
                {
                    https.ClientCertificateMode = Microsoft
                        .AspNetCore
                        .Server
                        .Kestrel
                        .Https
                        .ClientCertificateMode
                        .RequireCertificate;
                    https.AllowAnyClientCertificate();
                }
            }
        );
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        var target = context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget;
        var headers = context.Request.Headers.ToDictionary(
            static each => each.Key,
            static each => each.Value.ToString(),
            StringComparer.OrdinalIgnoreCase
        );
        Requests.Enqueue(new Asked(context.Request.Method, target, headers, body));
        var answer = Next($"{context.Request.Method} {target}");
        context.Response.StatusCode = answer.Status;
        if (answer.Location is not null)
        {
            context.Response.Headers.Location = answer.Location;
        }

        if (answer.RetryAfter is not null)
        {
            context.Response.Headers.RetryAfter = answer.RetryAfter;
        }

        if (answer.Body.Length > 0)
        {
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(answer.Body), context.RequestAborted);
        }
    }

    private Answer Next(string request)
    {
        if (!_answers.TryGetValue(request, out var queue))
        {
            return new Answer(404, """{"errors":[]}""", null, null);
        }

        lock (queue)
        {
            return queue.Count > 1 ? queue.Dequeue() : queue.Peek();
        }
    }

    private sealed record Answer(int Status, string Body, string? Location, string? RetryAfter);
}

/// <summary>One request as it came.</summary>
internal sealed record Asked(string Method, string Target, IReadOnlyDictionary<string, string> Headers, string Body);
