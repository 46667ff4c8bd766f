using Mayfly.Agent.Configuration;
using Mayfly.Agent.Files;
using Mayfly.Agent.Identity;
using Mayfly.Agent.Listeners;
using Mayfly.Agent.Processes;
using Mayfly.Agent.Proxy;
using Mayfly.Agent.Rendering;
using Mayfly.Agent.SecretsManager;
using Mayfly.Agent.Sinks;
using Mayfly.Agent.Telemetry;
using Mayfly.Client;
using Mayfly.Client.Logins;
using Mayfly.Hosting.Files;
using Mayfly.Hosting.Listeners;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent;

/// <summary>One agent: its parts, put together in one place, from start to end.</summary>
internal sealed class AgentHost : IAsyncDisposable
{
    /// <summary>How long what is under way may take when the agent stops.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(10);

    private static readonly ProgramSecrets NoSecrets = new(new Dictionary<string, string>(), static () => { });

    private readonly AgentConfiguration _configuration;
    private readonly Func<string, string?> _environment;
    private readonly ILoggerFactory _logs;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly AgentMetrics _metrics;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<int> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Task> _running = [];
    private readonly SocketsHttpHandler _handler;
    private readonly HttpClient _http;
    private readonly MayflyClient _anonymous;
    private readonly LoginSession? _session;
    private readonly AgentIdentity? _identity;
    private readonly List<FileSink> _sinks = [];
    private readonly TemplateRenderer? _templates;
    private readonly PidFile? _pidFile;
    private readonly Supervisor? _supervisor;
    private KestrelHost? _server;
    private Task<int> _supervising = Task.FromResult(0);

    private AgentHost(
        AgentConfiguration configuration,
        Func<string, string?> environment,
        ILoggerFactory logs,
        TimeProvider time
    )
    {
        _configuration = configuration;
        _environment = environment;
        _logs = logs;
        _log = logs.CreateLogger("agent");
        _time = time;
        _metrics = new AgentMetrics(time);
        var options = ServerOptions.Of(configuration.Server, time);
        _handler = MayflyClient.CreateHandler(options);
        // One set of connections for everything that the agent does.
        _http = new HttpClient(_handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
        options = options with { HttpClient = () => _http };
        _anonymous = new MayflyClient(options);
        if (configuration.AutoAuth is { } auth)
        {
            var log = logs.CreateLogger("auth");
            _session = NewSession(auth.Method, log);
            _identity = new AgentIdentity(new MayflyClient(options, _session), _session, time);
            _sinks.AddRange(
                auth.Sinks.Select(sink => new FileSink(sink, _anonymous, _metrics, logs.CreateLogger("sink"), time))
            );
        }

        if (configuration.Templates.Count + configuration.EnvironmentTemplates.Count > 0)
        {
            _templates = new TemplateRenderer(
                configuration.Templates,
                configuration.EnvironmentTemplates,
                configuration.TemplateSettings,
                _identity?.Client ?? throw new AgentException("template and env_template need auto_auth"),
                configuration.Exec,
                Consumer,
                name => _supervisor?.Signal(Signals.Number(name) ?? 0),
                logs.CreateLogger("template"),
                time
            );
        }

        if (configuration.Exec is { } exec)
        {
            _supervisor = new Supervisor(
                exec,
                () => _templates?.ForProgram() ?? NoSecrets,
                restartsForFiles: configuration.Templates.Any(template => template is { Command: null, Signal: null }),
                logs.CreateLogger("exec"),
                time
            );
            _templates?.Changed = _supervisor.SecretsChanged;
        }

        _pidFile = PidFile.Write(configuration.PidFile);
    }

    /// <summary>Where it listens.</summary>
    public IReadOnlyList<string> Addresses => _server?.Addresses ?? [];

    public AgentMetrics Metrics => _metrics;

    /// <summary>Under which name it reads; null for none: a rotation would wait for an agent that has ended, and takes up nothing more.</summary>
    private string? Consumer => _configuration.ExitAfterAuth ? null : _configuration.Consumer;

    /// <summary>Ends with the exit code, when the agent has ended by itself.</summary>
    public Task<int> Ended => _ended.Task;

    /// <summary>An agent that works from then on; it is logged in, and its files are there, when they are.</summary>
    /// <exception cref="AgentException">It cannot work: an address, a certificate, a file.</exception>
    public static async Task<AgentHost> StartAsync(
        AgentConfiguration configuration,
        Func<string, string?> environment,
        ILoggerFactory logs,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        AgentHost host;
        try
        {
            host = new AgentHost(configuration, environment, logs, time);
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            throw new AgentException(e.Message, e);
        }

        try
        {
            await host.RunPartsAsync(cancellation);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Passes a signal on to the program of <c>exec</c>. False when there is none.</summary>
    public bool Signal(int signal) => _supervisor?.Signal(signal) ?? false;

    /// <summary>The agent stops because of a signal: the program of <c>exec</c> is asked to end by the same.</summary>
    public void StopBy(int signal) => _supervisor?.StopBy(signal);

    /// <summary>Reads what can change while the agent runs: certificates.</summary>
    public void Reload()
    {
        foreach (var problem in _server?.ReloadCertificates() ?? [])
        {
            _log.LogError("A certificate is kept as it was: {Problem}", problem);
        }
    }

    /// <summary>Stops, and waits for the program of <c>exec</c> first.</summary>
    /// <returns>Its exit code, or 0.</returns>
    public async Task<int> StopAsync()
    {
        await _stop.CancelAsync();
        return await _supervising;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        using (var limit = new CancellationTokenSource(StopLimit))
        {
            if (_server is not null)
            {
                await _server.StopAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await _server.DisposeAsync();
            }

            await Task.WhenAll(_running).WaitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (_templates is not null)
        {
            await _templates.DisposeAsync();
        }

        if (_session is not null)
        {
            await _session.DisposeAsync();
        }

        _identity?.Client.Dispose();
        _anonymous.Dispose();
        _http.Dispose();
        _handler.Dispose();
        _pidFile?.Dispose();
        _stop.Dispose();
    }

    private LoginSession NewSession(MethodStanza method, ILogger log)
    {
        var client = method.Namespace is { Length: > 0 } name ? _anonymous.WithNamespace(name) : _anonymous;
        var session = new LoginSession(
            client,
            LoginMethods.Of(method, warning => log.LogWarning("{Warning}", warning)),
            new LoginSessionOptions { FirstBackoff = method.MinBackoff, LongestBackoff = method.MaxBackoff }
        );
        session.LoggedIn += (_, change) =>
        {
            _metrics.AuthSuccess.Add();
            _metrics.IsAuthenticated = true;
            log.LogInformation(
                "Logged in: accessor={Accessor} ttl={Ttl}",
                change.Login.Accessor,
                change.Login.LeaseDuration
            );
            foreach (var sink in _sinks)
            {
                sink.Set(change.Login.Token);
            }
        };
        session.Renewed += (_, change) => log.LogDebug("Token renewed: ttl={Ttl}", change.Login.LeaseDuration);
        session.Failed += (_, failure) =>
        {
            _metrics.AuthFailure.Add();
            _metrics.IsAuthenticated = session.Current is not null;
            log.LogError(
                "{What} failed; next try in {Wait}: {Reason}",
                failure.IsRenewal ? "Renewing the token" : "Logging in",
                failure.RetryAfter,
                failure.Failure.Message
            );
            if (method.ExitOnError && !failure.IsRenewal)
            {
                End(1, "a login failed, and exit_on_err is set");
            }
        };
        return session;
    }

    private async Task RunPartsAsync(CancellationToken cancellation)
    {
        await ListenAsync(cancellation);
        foreach (var sink in _sinks)
        {
            Run(sink.RunAsync);
        }

        if (_session is null)
        {
            return;
        }

        // The first one to ask sets the session going; from then on it goes on by itself.
        Run(async stop =>
        {
            try
            {
                await _session.GetTokenAsync(stop);
            }
            catch (LoginException)
            {
                // Its event has told.
            }
        });
        var auth = _configuration.AutoAuth!;
        if (auth.ReauthOnNewCredentials)
        {
            Run(new CredentialWatch(auth.Method.Files, _session, _logs.CreateLogger("auth"), _time).RunAsync);
        }

        if (_templates is not null)
        {
            Run(RenderAsync);
        }

        if (_configuration.ExitAfterAuth)
        {
            Run(ExitWhenDoneAsync);
        }

        if (_supervisor is not null)
        {
            _supervising = Task.Run(() => SuperviseAsync(_supervisor), CancellationToken.None);
        }
    }

    private async Task RenderAsync(CancellationToken stop)
    {
        try
        {
            await _templates!.RunAsync(stop);
        }
        catch (AgentException failure)
        {
            _log.LogError("{Problem}", failure.Message);
            End(1, "a template could not be rendered, and exit_on_retry_failure is set");
        }
    }

    /// <summary>The agent lives as long as the program that it stands for.</summary>
    private async Task<int> SuperviseAsync(Supervisor supervisor)
    {
        try
        {
            var code = await supervisor.RunAsync(DoneAsync(_stop.Token), _stop.Token);
            End(code, "its program has ended");
            return code;
        }
        catch (OperationCanceledException)
        {
            return 0;
        }
        catch (AgentException e)
        {
            _log.LogError("{Problem}", e.Message);
            End(1, "its program could not be started");
            return 1;
        }
    }

    private async Task ListenAsync(CancellationToken cancellation)
    {
        if (_configuration.Listeners.Count == 0)
        {
            return;
        }

        var stanzas = _configuration
            .Listeners.Select(listener => listener.SecretsManager)
            .OfType<SecretsManagerStanza>();
        var changes =
            _identity is not null && (_configuration.Cache is { StaticSecrets: true } || stanzas.Any())
                ? new ChangeFeed(_identity, ChangeFeed.Secrets, _logs.CreateLogger("events"), _time)
                : null;
        ProxyCache? cache = null;
        if (_configuration.Cache is { } settings)
        {
            var log = _logs.CreateLogger("cache");
            var responses = new ResponseCache();
            _metrics.CacheEntries = () => responses.Count;
            var renewal = new LeaseRenewal(_anonymous, responses, _metrics, log, _time);
            cache = new ProxyCache(settings, responses, renewal, _identity, changes, _time);
            Run(renewal.RunAsync);

            _session?.LoggedIn += (_, change) =>
            {
                if (change.Previous is { } previous)
                {
                    // Nobody renews with it any more: its leases end with it.
                    cache.EvictToken(previous.Token);
                }
            };
        }

        var upstream = new Upstream(
            new HttpMessageInvoker(_handler, disposeHandler: false),
            MayflyClient.BaseAddress(ServerOptions.Of(_configuration.Server, _time)),
            _configuration.Server.Namespace,
            _configuration.Server.Retries,
            keepAlive: !_configuration.DisableKeepAlives.Any(feature => feature is "proxying" or "caching"),
            _time
        );
        var proxy = new ApiProxy(
            upstream,
            _identity,
            _configuration.UseAutoAuthToken ?? TokenUse.Own,
            cache,
            _metrics,
            _logs.CreateLogger("proxy")
        );
        var consumer = Consumer is { Length: > 0 } name ? name + "/secretsmanager" : null;
        var rotations =
            consumer is not null && stanzas.Any()
                ? new ChangeFeed(_identity!, ChangeFeed.Rotations, _logs.CreateLogger("events"), _time)
                : null;
        var own = new AgentApi(_metrics, cache, () => End(0, "asked to quit at a listener"));
        var managers = stanzas
            .Distinct()
            .ToDictionary(
                stanza => stanza,
                stanza =>
                {
                    var log = _logs.CreateLogger("secretsmanager");
                    var reports = new UseReports(_identity!.Client, consumer, log, _time);
                    Run(reports.RunAsync);
                    return new SecretsManagerApi(
                        stanza,
                        SsrfToken.Of(stanza, _environment),
                        new NamedSecrets(
                            stanza,
                            _identity.Client,
                            [changes!, .. rotations is null ? [] : new[] { rotations }],
                            reports,
                            log,
                            _time
                        )
                    );
                }
            );
        if (changes is not null)
        {
            Run(changes.RunAsync);
        }

        if (rotations is not null)
        {
            Run(rotations.RunAsync);
        }

        var front = new FrontDoor(proxy, own, managers);
        _server = await LocalServer.StartAsync(_configuration.Listeners, front.HandleAsync, _logs, cancellation);
        _log.LogInformation("Listening at {Addresses}", string.Join(", ", _server.Addresses));
    }

    private async Task ExitWhenDoneAsync(CancellationToken stop)
    {
        var limit = _configuration.ExitAfterAuthTimeout;
        try
        {
            await DoneAsync(stop).WaitAsync(limit, _time, stop);
            End(0, "everything is written, and exit_after_auth is set");
        }
        catch (TimeoutException)
        {
            _log.LogError("Not everything was written within {Limit} (exit_after_auth_timeout)", limit);
            End(1, "exit_after_auth could not be done");
        }
    }

    /// <summary>Logged in, and every file written once.</summary>
    private async Task DoneAsync(CancellationToken stop)
    {
        while (_session!.Current is null)
        {
            try
            {
                await _session.GetTokenAsync(stop);
            }
            catch (LoginException e)
            {
                await Task.Delay(e.RetryAfter + TimeSpan.FromMilliseconds(50), _time, stop);
            }
        }

        await Task.WhenAll([.. _sinks.Select(sink => sink.Written), _templates?.Rendered ?? Task.CompletedTask])
            .WaitAsync(stop);
    }

    private void End(int code, string why)
    {
        if (_ended.TrySetResult(code))
        {
            _log.LogInformation("Ending: {Why}", why);
        }
    }

    private void Run(Func<CancellationToken, Task> part) =>
        _running.Add(
            Task.Run(
                async () =>
                {
                    try
                    {
                        await part(_stop.Token);
                    }
                    catch (OperationCanceledException) when (_stop.IsCancellationRequested)
                    {
                        // The agent stops.
                    }
#pragma warning disable CA1031 // A part that ends takes the agent with it, rather than leaving it half alive.
                    catch (Exception bug)
                    {
                        _log.LogError("This is a bug: {Type}\n{Place}", bug.GetType().Name, bug.StackTrace);
                        End(1, "a part of the agent has failed");
                    }
#pragma warning restore CA1031
                },
                CancellationToken.None
            )
        );
}
