using Mayfly.Client.Redaction;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Logs;
using OpenTelemetry.Trace;

namespace Mayfly.Client.OpenTelemetry;

/// <summary>Redaction for OpenTelemetry.</summary>
public static class RedactionTelemetryExtensions
{
    /// <summary>
    /// Takes secrets out of spans before any other processor or exporter gets them, wherever this is called among them: out of
    /// names, attributes, events, links, and the description of the status.
    /// </summary>
    /// <param name="builder">The tracing of the program.</param>
    /// <param name="redactor">Knows the secrets; <see cref="Redactor.Shared"/> by default.</param>
    public static TracerProviderBuilder AddMayflyRedaction(
        this TracerProviderBuilder builder,
        Redactor? redactor = null
    ) =>
        builder.ConfigureServices(services =>
        {
            services.ConfigureOpenTelemetryTracerProvider(
                (_, provider) => provider.AddProcessor(new ActivityRedactionProcessor(redactor ?? Redactor.Shared))
            );
            MoveToFront(services);
        });

    /// <summary>
    /// Takes secrets out of log records before any other processor or exporter gets them, wherever this is called among them:
    /// out of messages, attributes and exceptions, for which a <see cref="RedactedException"/> then stands. Scopes pass no
    /// processor: <see cref="RedactionLoggingExtensions.AddMayflyRedaction"/> takes care of them.
    /// </summary>
    /// <param name="builder">The logging of the program.</param>
    /// <param name="redactor">Knows the secrets; <see cref="Redactor.Shared"/> by default.</param>
    public static LoggerProviderBuilder AddMayflyRedaction(
        this LoggerProviderBuilder builder,
        Redactor? redactor = null
    ) =>
        builder.ConfigureServices(services =>
        {
            services.ConfigureOpenTelemetryLoggerProvider(
                (_, provider) => provider.AddProcessor(new LogRedactionProcessor(redactor ?? Redactor.Shared))
            );
            MoveToFront(services);
        });

    /// <summary>Processors are put in the order in which services say so.</summary>
    private static void MoveToFront(IServiceCollection services)
    {
        var last = services[^1];
        services.RemoveAt(services.Count - 1);
        services.Insert(0, last);
    }
}
