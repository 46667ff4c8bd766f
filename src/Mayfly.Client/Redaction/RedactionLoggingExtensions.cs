using Mayfly.Client.Redaction.Logging;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Mayfly.Client.Redaction;

/// <summary>Redaction for .NET's logging.</summary>
public static class RedactionLoggingExtensions
{
    /// <summary>
    /// Takes secrets out of everything that is logged, before any provider sees it: messages, structured values, scopes,
    /// and exceptions, which a <see cref="RedactedException"/> then stands for. Providers may be added before and after. What
    /// replaces the whole <see cref="ILoggerFactory"/> has to come before.
    /// </summary>
    /// <param name="builder">The logging of the program.</param>
    /// <param name="redactor">Knows the secrets; <see cref="Redactor.Shared"/> by default.</param>
    public static ILoggingBuilder AddMayflyRedaction(this ILoggingBuilder builder, Redactor? redactor = null)
    {
        var services = builder.Services;
        if (services.Any(service => service.ImplementationType == typeof(ScopeProbe)))
        {
            return builder;
        }

        var factory =
            services.LastOrDefault(service => service.ServiceType == typeof(ILoggerFactory))
            ?? throw new InvalidOperationException("There is no ILoggerFactory to redact for: call AddLogging first.");
        services.AddSingleton<ILoggerProvider, ScopeProbe>();
        services.Remove(factory);
        services.AddSingleton<ILoggerFactory>(provider => new RedactingLoggerFactory(
            Make(factory, provider),
            provider.GetServices<ILoggerProvider>(),
            redactor ?? Redactor.Shared
        ));
        return builder;
    }

    private static ILoggerFactory Make(ServiceDescriptor descriptor, IServiceProvider provider) =>
        (ILoggerFactory)(
            descriptor.ImplementationInstance
            ?? descriptor.ImplementationFactory?.Invoke(provider)
            ?? ActivatorUtilities.CreateInstance(provider, descriptor.ImplementationType!)
        );
}
