using System.Net;
using Mayfly.Agent.Configuration;
using Mayfly.Agent.Kubernetes.Tls;
using Mayfly.Agent.Listeners;
using Mayfly.Hosting.Listeners;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Kubernetes;

/// <summary>
/// The mutating webhook: <c>POST /mutate</c> answers what API servers ask, <c>GET /health/ready</c> and <c>GET /metrics</c> what
/// operators do. It holds no secret, and calls no Mayfly server.
/// </summary>
internal sealed class Injector : IAsyncDisposable
{
    // An API server takes objects of up to 3 MiB; a review has one, and a little around it.
    private const int LongestBody = 4 * 1024 * 1024;

    private readonly Admission _admission;
    private readonly InjectorMetrics _metrics = new();
    private readonly ServingCertificate _serving = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private KestrelHost? _server;
    private ApiServer? _apiServer;
    private Task _background = Task.CompletedTask;

    private Injector(InjectorOptions options, ILogger log)
    {
        _admission = new Admission(options.Defaults);
        _time = options.Time;
        _log = log;
    }

    /// <summary>Where it listens, with the port that was chosen for port 0.</summary>
    public string Address => _server!.Addresses[0];

    /// <summary>Listens, and answers from then on.</summary>
    /// <param name="options">How.</param>
    /// <param name="logs">Where it tells what it does.</param>
    /// <param name="environment">The process's environment.</param>
    /// <param name="cancellation">Ends the wait for a certificate.</param>
    /// <exception cref="AgentException">The options, the certificate or the address cannot be used.</exception>
    public static async Task<Injector> StartAsync(
        InjectorOptions options,
        ILoggerFactory logs,
        Func<string, string?> environment,
        CancellationToken cancellation
    )
    {
        var injector = new Injector(options, logs.CreateLogger("injector"));
        try
        {
            var endpoint = EndPointOf(options.Listen);
            await injector.PrepareCertificateAsync(options, environment, cancellation);
            injector._server = await LocalServer.StartAsync(
                [new ListenerStanza(new CertifiedAddress(endpoint, () => injector._serving.Current!))],
                injector.RouteAsync,
                logs,
                cancellation
            );
            return injector;
        }
        catch
        {
            await injector.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes no more connections, and lets running requests finish until <paramref name="cancellation"/> ends.</summary>
    public Task StopAsync(CancellationToken cancellation) => _server!.StopAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        await _background.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _apiServer?.Dispose();
        _ending.Dispose();
    }

    private async Task PrepareCertificateAsync(
        InjectorOptions options,
        Func<string, string?> environment,
        CancellationToken cancellation
    )
    {
        if (options.TlsAuto.Length > 0)
        {
            _apiServer = new ApiServer(options.ApiServer ?? ApiServerAccess.OfPod(environment));
            var space = _apiServer.Namespace;
            var hosts = options.TlsAutoHosts is { Count: > 0 } given
                ? given
                : ["mayfly-injector", $"mayfly-injector.{space}", $"mayfly-injector.{space}.svc"];
            var automatic = new AutoCertificate(_apiServer, options with { TlsAutoHosts = hosts }, _serving, _log);
            await automatic.PrepareAsync(cancellation);
            _background = automatic.KeepAsync(_ending.Token);
        }
        else if (options.CertificateFile.Length > 0 && options.KeyFile.Length > 0)
        {
            var files = new CertificateFiles(options.CertificateFile, options.KeyFile, _serving, _log);
            _background = files.WatchAsync(_time, _ending.Token);
        }
        else
        {
            throw new AgentException(
                "API servers call webhooks with TLS alone: set -tls-cert-file and -tls-key-file, or -tls-auto"
            );
        }
    }

    private Task RouteAsync(Exchange exchange)
    {
        var path = exchange.Target.Split('?')[0];
        switch (path, exchange.Method)
        {
            case ("/mutate", "POST"):
                return MutateAsync(exchange);
            case ("/health/ready", "GET" or "HEAD"):
                exchange.Status = 204;
                return Task.CompletedTask;
            case ("/metrics", "GET" or "HEAD"):
                return exchange.AnswerAsync(
                    200,
                    "text/plain; version=0.0.4",
                    System.Text.Encoding.UTF8.GetBytes(_metrics.Text(_serving.EndsAt))
                );
            case ("/mutate" or "/health/ready" or "/metrics", _):
                exchange.ResponseHeaders.Allow = path == "/mutate" ? "POST" : "GET";
                return exchange.FailAsync(405, $"{path} is not called with {exchange.Method}");
            default:
                return exchange.FailAsync(404, "there are /mutate, /health/ready and /metrics");
        }
    }

    private async Task MutateAsync(Exchange exchange)
    {
        if (exchange.Headers.ContentType.ToString().Split(';')[0].Trim() is not "application/json")
        {
            await exchange.FailAsync(415, "the content type must be application/json");
            return;
        }

        var (body, isWhole) = await exchange.ReadBodyAsync(LongestBody);
        if (!isWhole)
        {
            await exchange.FailAsync(413, $"a review has at most {LongestBody} bytes");
            return;
        }

        var begin = _time.GetTimestamp();
        var answer = _admission.Answer(body);
        _metrics.Count(answer.Outcome, _time.GetElapsedTime(begin));
        Tell(answer);
        await exchange.AnswerAsync(answer.Status, "application/json", answer.Body);
    }

    private void Tell(AdmissionAnswer answer)
    {
        var reasons = string.Join("; ", answer.Reasons ?? []);
        switch (answer.Outcome)
        {
            case AdmissionOutcome.Injected when reasons.Length > 0:
                _log.LogInformation("{Pod}: the agent was injected; {Reasons}", answer.Pod, reasons);
                break;
            case AdmissionOutcome.Injected:
                _log.LogInformation("{Pod}: the agent was injected", answer.Pod);
                break;
            case AdmissionOutcome.Refused:
                _log.LogWarning("{Pod} was refused: {Reasons}", answer.Pod, reasons);
                break;
            case AdmissionOutcome.AdmittedInvalid:
                _log.LogWarning("{Pod} starts without an agent: {Reasons}", answer.Pod, reasons);
                break;
            case AdmissionOutcome.Malformed:
                _log.LogWarning("A request was no review: {Reasons}", reasons);
                break;
            default:
                _log.LogDebug("{Pod}: nothing to do", answer.Pod);
                break;
        }
    }

    private static IPEndPoint EndPointOf(string listen)
    {
        var text = listen.StartsWith(':') ? "[::]" + listen : listen;
        return text.LastIndexOf(':') > text.LastIndexOf(']') && IPEndPoint.TryParse(text, out var endpoint)
            ? endpoint
            : throw new AgentException($"-listen must be an address with a port such as :8080, not {listen}");
    }
}
