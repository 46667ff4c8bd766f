using System.Collections.Concurrent;
using Mayfly.Agent.Configuration;
using Mayfly.Agent.Templates;
using Mayfly.Agent.Templates.Functions;
using Mayfly.Agent.Templates.Values;
using Mayfly.Client.Secrets;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Rendering;

/// <summary>
/// One template, from its text to its target, for as long as the agent runs. It is executed when something that it has asked for
/// changes, and after a failure of its own with growing waits; nothing that happens here is felt by another template.
/// </summary>
#pragma warning disable CA1001 // A semaphore whose handle is never asked for holds none.
internal sealed class TemplateTask
#pragma warning restore CA1001
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(60);

    private const int MaxFailures = 12;

    /// <summary>How long what a template asks for may be away before retries count as used up: some twelve of them.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly TemplateText _text;
    private readonly ITarget _target;
    private readonly (TimeSpan Min, TimeSpan Max) _wait;
    private readonly TemplateData _data;
    private readonly Recording _recording;
    private readonly UsedVersions.Of _used;
    private readonly FunctionTable _functions;
    private readonly ExecutionSettings _settings;
    private readonly bool _endsOnFailure;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _changed = new(0, 1);
    private readonly TaskCompletionSource _rendered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    // What has changed since the execution began, and what it asked for.
    private readonly ConcurrentDictionary<string, bool> _heard = new(StringComparer.Ordinal);
    private volatile HashSet<string> _inputs = [];
    private Template? _template;
    private string _lastProblem = "";
    private long? _missingSince;
    private bool _isActionDue;

    public TemplateTask(
        TemplateText text,
        ITarget target,
        (TimeSpan Min, TimeSpan Max) wait,
        TemplateData data,
        UsedVersions.Of used,
        bool endsOnFailure,
        ILogger log,
        TimeProvider time
    )
    {
        _text = text;
        _target = target;
        _wait = wait;
        _data = data;
        _recording = new Recording(data);
        _used = used;
        _endsOnFailure = endsOnFailure;
        _log = log;
        _time = time;
        _functions = FunctionTable.Default.Without(text.DeniedFunctions);
        _settings = new ExecutionSettings
        {
            Data = _recording,
            Functions = _functions,
            ErrorOnMissingKey = text.ErrorOnMissingKey,
            SandboxPath = text.SandboxPath,
            Destination = target.Path,
            Time = time,
        };
        data.Changed += Notice;
    }

    /// <summary>Ends when there was a first whole output, and all that had to follow it.</summary>
    public Task Rendered => _rendered.Task;

    /// <summary>How often the template has been executed.</summary>
    public int Executions { get; private set; }

    /// <summary>What failed last; null when all is well.</summary>
    public string? Problem { get; private set; }

    /// <summary>What is rendered here is in use once the program of <c>exec</c> has been started with it.</summary>
    public bool WaitsForProgram => _used.WaitsForProgram;

    /// <summary>The target has another output. The handler returns soon.</summary>
    public Action? Changed { get; set; }

    /// <summary>Keeps the target up to date until it is stopped.</summary>
    /// <exception cref="AgentException">Retries are used up, and the agent shall end then.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        var failures = 0;
        while (true)
        {
            try
            {
                var isWhole = await RenderAsync(stop);
                failures = isWhole ? 0 : failures;
                await PauseAsync(isWhole ? null : Patience, stop);
            }
#pragma warning disable CA1031 // Whatever fails here must leave the other templates alone.
            catch (Exception e)
                when (e is not AgentException && (e is not OperationCanceledException || !stop.IsCancellationRequested))
#pragma warning restore CA1031
            {
                var pause = Backoff(failures++);
                // What nobody expected may quote values.
                var why = e is TemplateException or IOException or UnauthorizedAccessException
                    ? e.Message
                    : $"this is a bug: {e.GetType().Name}";
                // Messages of the file system name temporary files: the same failure reads another way each time.
                Tell(why, pause, e is TemplateException ? why : $"{e.GetType().Name} {e.HResult}");
                if (_endsOnFailure && (e is TemplateException || failures >= MaxFailures))
                {
                    throw new AgentException($"{_text.Name}: {why}", e);
                }

                await PauseAsync(pause, stop);
            }
        }
    }

    /// <summary>One execution, and what follows from it. False when something that it asks for is not there yet.</summary>
    private async Task<bool> RenderAsync(CancellationToken stop)
    {
        if (await ExecuteAsync(stop) is not { } result)
        {
            return false;
        }

        if (_rendered.Task.IsCompleted && _wait.Min > TimeSpan.Zero && await GatherAsync(stop))
        {
            if (await ExecuteAsync(stop) is not { } later)
            {
                return false;
            }

            result = later;
        }

        if (_target.Take(GoText.Encode(result.Output), result.Files))
        {
            _isActionDue = true;
            _used.Begin();
            _log.LogInformation("Rendered {Template} to {Target}", _text.Name, _target.Name);
            Changed?.Invoke();
        }

        if (_isActionDue)
        {
            await _target.ActAsync(stop);
            _isActionDue = false;
        }

        _used.Rendered(_recording.Seen);
        if (_lastProblem.Length > 0)
        {
            _log.LogInformation("{Template} is well again", _text.Name);
        }

        _lastProblem = "";
        Problem = null;
        _rendered.TrySetResult();
        return true;
    }

    /// <summary>The whole result, or null when something is missing, which is then on its way.</summary>
    private async Task<TemplateResult?> ExecuteAsync(CancellationToken stop)
    {
        _template ??= Parse();
        while (true)
        {
            Executions++;
            // What has changed up to here is seen by this execution; what changes meanwhile may not be.
            _changed.Wait(0, CancellationToken.None);
            _heard.Clear();
            _recording.Begin();
            var result = _template.Execute(_settings, stop);
            _inputs = result.Uses.Select(use => use.Dependency.Key).ToHashSet(StringComparer.Ordinal);
            if (_inputs.Any(_heard.ContainsKey))
            {
                Wake();
            }

            if (result.Missing.Count == 0)
            {
                _missingSince = null;
                return result;
            }

            if (!await FetchAsync(result.Missing, stop))
            {
                return null;
            }
        }
    }

    private Template Parse()
    {
        var text = _text.Contents ?? File.ReadAllText(_text.Source!);
        return Template.Parse(_text.Name, text, _functions, _text.LeftDelimiter, _text.RightDelimiter);
    }

    /// <summary>Asks for what is missing. False when not all of it has come.</summary>
    private async Task<bool> FetchAsync(IReadOnlyList<Use> missing, CancellationToken stop)
    {
        if (missing.FirstOrDefault(use => use.Dependency.Kind == DependencyKind.Foreign) is { } foreign)
        {
            throw new TemplateException(
                _text.Name,
                foreign.Line,
                1,
                $"{foreign.Dependency} asks Consul or Nomad, which this agent does not talk to: secrets come by secret, secrets and pkiCert"
            );
        }

        var answers = await Task.WhenAll(missing.Select(use => FetchAsync(use, stop)));
        var problems = answers.Where(problem => problem.Length > 0).ToList();
        if (problems.Count == 0)
        {
            return true;
        }

        var now = _time.GetTimestamp();
        _missingSince ??= now;
        var problem = string.Join("; ", problems);
        Tell(problem, pause: null, kind: problem);
        if (_endsOnFailure && _time.GetElapsedTime(_missingSince.Value, now) >= Patience)
        {
            throw new AgentException($"{_text.Name}: {problem}");
        }

        return false;
    }

    /// <summary>Why it is not there, or "" when it is.</summary>
    private async Task<string> FetchAsync(Use use, CancellationToken stop)
    {
        var where = $"line {use.Line} waits";
        if (use.Dependency.Kind == DependencyKind.File)
        {
            return _data.TryGet(use.Dependency, out _) ? "" : $"{where}: {use.Dependency} cannot be read";
        }

        var live = _data.Live(use.Dependency);
        try
        {
            // The first to ask causes the first read. After a failure it is read again in the background, and told when it is there.
            if (_asked.Add(use.Dependency.Key) || live.LastFailure is null)
            {
                await live.GetAsync(stop);
            }

            return live.TryGetCurrent(out _) ? "" : $"{where}: {live.LastFailure?.Message}";
        }
        catch (SecretUnavailableException)
        {
            return $"{where}: {live.LastFailure?.Message}";
        }
    }

    /// <summary>Waits until nothing has changed for a while, or long enough. True when something has.</summary>
    private async Task<bool> GatherAsync(CancellationToken stop)
    {
        var begun = _time.GetTimestamp();
        var isOther = false;
        while (true)
        {
            var left = _wait.Max - _time.GetElapsedTime(begun);
            if (left <= TimeSpan.Zero || !await ChangesWithinAsync(left < _wait.Min ? left : _wait.Min, stop))
            {
                return isOther;
            }

            isOther = true;
        }
    }

    private async Task PauseAsync(TimeSpan? pause, CancellationToken stop)
    {
        if (pause is { } longest)
        {
            await ChangesWithinAsync(longest, stop);
        }
        else
        {
            await _changed.WaitAsync(stop);
        }
    }

    /// <summary>Waits for a change of what the template has asked for.</summary>
    private async Task<bool> ChangesWithinAsync(TimeSpan longest, CancellationToken stop)
    {
        using var limit = new CancellationTokenSource(longest, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop);
        try
        {
            await _changed.WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return false;
        }
    }

    private void Notice(string key)
    {
        // In this order, so that a key that becomes an input at this moment is noticed here or there.
        _heard[key] = true;
        if (_inputs.Contains(key))
        {
            Wake();
        }
    }

    private void Wake()
    {
        try
        {
            _changed.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is known already.
        }
    }

    /// <summary>Tells a problem once, and again when it is another.</summary>
    private void Tell(string problem, TimeSpan? pause, string kind)
    {
        Problem = problem;
        if (kind == _lastProblem)
        {
            return;
        }

        _lastProblem = kind;
        // Where only the command has failed the file is there, also the first time.
        var kept =
            _rendered.Task.IsCompleted || _isActionDue ? "what was rendered last stays" : "nothing is rendered yet";
        if (pause is { } wait)
        {
            _log.LogError(
                "{Target}: {Problem} ({Kept}; next try in {Wait:0.0} s)",
                _target.Name,
                problem,
                kept,
                wait.TotalSeconds
            );
        }
        else
        {
            _log.LogWarning("{Target}: {Template}: {Problem} ({Kept})", _target.Name, _text.Name, problem, kept);
        }
    }

    /// <summary>Remembers which values the last execution was given.</summary>
    private sealed class Recording(TemplateData data) : ITemplateData
    {
        private Dictionary<string, (LiveSecret, SecretValue)> _seen = new(StringComparer.Ordinal);

        public IReadOnlyCollection<(LiveSecret Secret, SecretValue Value)> Seen => _seen.Values;

        public void Begin() => _seen = new(StringComparer.Ordinal);

        public bool TryGet(Dependency dependency, out object? value)
        {
            var isThere = data.TryGet(dependency, out value, out var secret);
            if (secret is not null)
            {
                _seen.TryAdd(dependency.Key, (data.Live(dependency), secret));
            }

            return isThere;
        }
    }

    private static TimeSpan Backoff(int failures)
    {
        var ceiling = FirstWait * Math.Pow(2, Math.Min(failures, 16));
        ceiling = ceiling < LongestWait ? ceiling : LongestWait;
        var random = System.Security.Cryptography.RandomNumberGenerator.GetInt32(1 << 20) / (double)(1 << 20);
        return (ceiling / 2) + (ceiling / 2 * random);
    }
}
