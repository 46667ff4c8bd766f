using Mayfly.Agent.Configuration;
using Mayfly.Agent.Rendering;
using Mayfly.Client;

namespace Mayfly.Tests.Agent.Rendering;

/// <summary>A renderer at work in the background, in a folder of its own, with all that it says.</summary>
internal sealed class RenderRun : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _stop = new();
    private readonly LogLines _lines = new();
    private readonly MayflyClient? _own;

    private RenderRun(MayflyClient? own) => _own = own;

    public string Folder { get; } = Directory.CreateTempSubdirectory("mayfly-render-").FullName;

    public TemplateRenderer Renderer { get; private set; } = null!;

    public Task Running { get; private set; } = Task.CompletedTask;

    public string Log => _lines.ToString();

    /// <summary>Renders templates, each named by its file, from a server.</summary>
    public static RenderRun Start(ServerProcess server, params (string File, string Template)[] templates) =>
        Start(
            new MayflyClient(new MayflyClientOptions { Address = server.Address, Token = ServerProcess.DevToken }),
            run => [.. templates.Select(template => run.Stanza(template.File, template.Template))],
            ownsClient: true
        );

    public static RenderRun Start(
        MayflyClient client,
        Func<RenderRun, IReadOnlyList<TemplateStanza>> templates,
        TemplateSettings? settings = null,
        TimeProvider? time = null,
        bool ownsClient = false,
        IReadOnlyList<EnvironmentTemplateStanza>? variables = null,
        ExecStanza? exec = null,
        string? consumer = null
    )
    {
        var run = new RenderRun(ownsClient ? client : null);
        run.Renderer = new TemplateRenderer(
            templates(run),
            variables ?? [],
            settings ?? new TemplateSettings(),
            client,
            exec,
            consumer,
            signalChild: null,
            run._lines,
            time ?? TimeProvider.System
        );
        run.Running = run.Renderer.RunAsync(run._stop.Token);
        return run;
    }

    public TemplateStanza Stanza(string file, string template, bool strict = false) =>
        new(
            new TemplateText
            {
                Contents = template,
                Name = file,
                ErrorOnMissingKey = strict,
            },
            Path.Combine(Folder, file)
        );

    public string PathOf(string file) => Path.Combine(Folder, file);

    /// <summary>The file's content, or "" when it is not there.</summary>
    public string Read(string file) => File.Exists(PathOf(file)) ? File.ReadAllText(PathOf(file)) : "";

    /// <summary>Waits until a file has this content.</summary>
    public Task ShowsAsync(string file, string content) =>
        UntilAsync(() => Read(file) == content, () => $"{file} shows '{Short(Read(file))}' and not '{Short(content)}'");

    /// <summary>Waits until the log holds a text.</summary>
    public Task SaysAsync(string text) =>
        UntilAsync(() => Log.Contains(text, StringComparison.Ordinal), () => $"it does not say '{text}'");

    public async Task UntilAsync(Func<bool> holds, Func<string> otherwise)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        while (!holds())
        {
            if (limit.IsCancellationRequested || Running.IsFaulted)
            {
                Assert.Fail($"{otherwise()}\n{Running.Exception?.Message}\n{Log}");
            }

            await Task.Delay(10, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Renderer.DisposeAsync();
        _own?.Dispose();
        _stop.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private static string Short(string text) => text.Length > 80 ? text[..80] + "…" : text;
}
