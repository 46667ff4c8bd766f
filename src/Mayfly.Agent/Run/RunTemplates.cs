using Mayfly.Agent.Configuration;
using Mayfly.Agent.Rendering;
using Mayfly.Agent.Templates;
using Mayfly.Agent.Templates.Functions;
using Mayfly.Agent.Templates.Values;
using Mayfly.Client;
using Mayfly.Client.Secrets;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Run;

/// <summary>Templates that are rendered once, for a program that is about to run. Their leases are kept alive until they are disposed of, and end then.</summary>
internal sealed class RunTemplates : IAsyncDisposable
{
    private readonly LiveSecrets _live;
    private readonly TemplateData _data;

    public RunTemplates(MayflyClient client, ILogger log, TimeProvider time)
    {
        var defaults = new LiveSecretsOptions();
        var settings = new TemplateSettings();
        var source = new TemplateSource(
            client,
            settings.StaticSecretRenderInterval,
            settings.LeaseRenewalThreshold,
            defaults.RefreshAt,
            consumer: null,
            log,
            time
        );
        _live = new LiveSecrets(source, defaults with { Watch = false, Logger = log, Time = time });
        _data = new TemplateData(_live, source, new LocalFiles(log, time));
    }

    /// <summary>The output of the template in a file.</summary>
    /// <exception cref="AgentException">It cannot be read, parsed or executed, or asks for what is not to be had.</exception>
    public async Task<byte[]> RenderAsync(string file, CancellationToken cancellation)
    {
        try
        {
            var text = await File.ReadAllTextAsync(file, cancellation);
            var template = Template.Parse(file, text, FunctionTable.Default);
            var settings = new ExecutionSettings { Data = _data, ErrorOnMissingKey = true };
            while (true)
            {
                var result = template.Execute(settings, cancellation);
                if (result.Files.Count > 0)
                {
                    throw new AgentException($"{file}: writeToFile is for the agent's templates");
                }

                if (result.Missing.Count == 0)
                {
                    return GoText.Encode(result.Output);
                }

                foreach (var use in result.Missing)
                {
                    await FetchAsync(file, use, cancellation);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or TemplateException)
        {
            throw new AgentException(e.Message, e);
        }
    }

    public ValueTask DisposeAsync() => _live.DisposeAsync();

    private async Task FetchAsync(string file, Use use, CancellationToken cancellation)
    {
        if (use.Dependency.Kind is DependencyKind.Foreign or DependencyKind.File)
        {
            throw new AgentException($"{file}: line {use.Line}: {use.Dependency} is not to be had");
        }

        var live = _data.Live(use.Dependency);
        try
        {
            await live.GetAsync(cancellation);
        }
        catch (SecretUnavailableException)
        {
            throw new AgentException($"{file}: line {use.Line}: {live.LastFailure?.Message}");
        }
    }
}
