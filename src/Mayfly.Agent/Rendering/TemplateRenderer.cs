using Mayfly.Agent.Configuration;
using Mayfly.Agent.Processes;
using Mayfly.Client;
using Mayfly.Client.Secrets;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Rendering;

/// <summary>
/// All templates of an agent: renders each when it can, keeps them up to date while it runs. What they ask for is fetched once and
/// shared; what fails in one is its own affair.
/// </summary>
internal sealed class TemplateRenderer : IAsyncDisposable
{
    private readonly LiveSecrets _live;
    private readonly LocalFiles _files;
    private readonly Leftovers _leftovers;
    private readonly IReadOnlyList<TemplateTask> _tasks;
    private readonly IReadOnlyList<VariableTarget> _variables;
    private readonly UsedVersions _used;

    /// <summary>A renderer that does nothing before <see cref="RunAsync"/>.</summary>
    /// <param name="templates">Files.</param>
    /// <param name="variables">Environment variables.</param>
    /// <param name="settings">What holds for all.</param>
    /// <param name="client">The server, and who asks; not disposed of here.</param>
    /// <param name="exec">The program that gets the variables; null when there is none.</param>
    /// <param name="consumer">What the agent calls itself, so that rotations wait for it; null for nothing.</param>
    /// <param name="signalChild">Signals the program of <c>exec</c>; null when there is none.</param>
    /// <param name="log">Where reasons go; no value ever does.</param>
    /// <param name="time">The clock.</param>
    public TemplateRenderer(
        IReadOnlyList<TemplateStanza> templates,
        IReadOnlyList<EnvironmentTemplateStanza> variables,
        TemplateSettings settings,
        MayflyClient client,
        ExecStanza? exec,
        string? consumer,
        Action<string>? signalChild,
        ILogger log,
        TimeProvider time
    )
    {
        var defaults = new LiveSecretsOptions();
        var source = new TemplateSource(
            client,
            settings.StaticSecretRenderInterval,
            settings.LeaseRenewalThreshold,
            defaults.RefreshAt,
            consumer,
            log,
            time
        );
        _live = new LiveSecrets(
            source,
            defaults with
            {
                // Read again at the interval at the latest, which is a part of the time for which a value counts as fresh.
                Ttl = settings.StaticSecretRenderInterval / defaults.RefreshAt,
                ReplaceAt = settings.LeaseRenewalThreshold,
                // A file that is there stays; what it was made of may be used for it as long.
                MaxStale = TimeSpan.FromDays(3650),
                // The files stay behind, and programs go on with the credentials in them; they end with their leases.
                RevokeAtEnd = false,
                // Having been given a version is not using it: see UsedVersions.
                Acknowledgement = Acknowledgement.ByProgram,
                MaxConcurrentFetches = settings.MaxConnectionsPerHost,
                Logger = log,
                Time = time,
            }
        );
        _files = new LocalFiles(log, time);
        _leftovers = new Leftovers(time);
        var data = new TemplateData(_live, source, _files);
        var used = _used = new UsedVersions();
        _variables = [.. variables.Select(variable => new VariableTarget(variable.Variable))];
        _tasks =
        [
            .. templates.Select(template => new TemplateTask(
                template.Text,
                new FileTarget(template, signalChild, log),
                (template.WaitMin, template.WaitMax),
                data,
                used.Add(
                    waitsForProgram: exec is { RestartOnSecretChanges: true }
                        && template is { Command: null, Signal: null }
                ),
                settings.ExitOnRetryFailure,
                log,
                time
            )),
            .. variables.Zip(
                _variables,
                (variable, target) =>
                    new TemplateTask(
                        variable.Text,
                        target,
                        (TimeSpan.Zero, TimeSpan.Zero),
                        data,
                        used.Add(waitsForProgram: true),
                        settings.ExitOnRetryFailure,
                        log,
                        time
                    )
            ),
        ];
        foreach (var task in _tasks)
        {
            task.Changed += () =>
            {
                if (task.WaitsForProgram)
                {
                    Changed?.Invoke();
                }
            };
            task.Changed += _leftovers.Notice;
        }
    }

    /// <summary>Ends when every template has been rendered once.</summary>
    public Task Rendered => Task.WhenAll(_tasks.Select(task => task.Rendered));

    /// <summary>The templates, files first.</summary>
    public IReadOnlyList<TemplateTask> Tasks => _tasks;

    /// <summary>A file or a variable that the program of <c>exec</c> is started anew for has another content. Handlers return soon.</summary>
    public Action? Changed { get; set; }

    /// <summary>What the program of <c>exec</c> gets when it is started now.</summary>
    public ProgramSecrets ForProgram()
    {
        // Before the values are taken, so that no version counts as in use whose value is not.
        var started = _used.AtStart();
        return new ProgramSecrets(
            _variables
                .Where(variable => variable.Value is not null)
                .ToDictionary(variable => variable.Name, variable => variable.Value!, StringComparer.Ordinal),
            started
        );
    }

    /// <summary>Renders until it is stopped.</summary>
    /// <exception cref="AgentException">A template's retries are used up, and <c>exit_on_retry_failure</c> is set.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var tasks = _tasks.Select(task => Task.Run(() => task.RunAsync(end.Token), CancellationToken.None)).ToList();
        tasks.Add(_files.RunAsync(end.Token));
        tasks.Add(_leftovers.RunAsync(end.Token));
        var first = await Task.WhenAny(tasks);
        await end.CancelAsync();
        await Task.WhenAll(tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
    }

    /// <summary>Stops what is kept fresh.</summary>
    public ValueTask DisposeAsync() => _live.DisposeAsync();
}
