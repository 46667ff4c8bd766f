using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Mayfly.Client.Hosting;

/// <summary>Mayfly in a program that is put together by dependency injection.</summary>
public static class MayflyServices
{
    /// <summary>
    /// Adds one <see cref="MayflyClient"/>, one <see cref="LiveSecrets"/> over it, and <see cref="MayflyHealthCheck"/>. The options come from the
    /// environment (<see cref="MayflyClientOptions.FromEnvironment()"/>). Nothing is connected to before it is used.
    /// </summary>
    /// <param name="services">Where to add.</param>
    public static IServiceCollection AddMayfly(this IServiceCollection services) =>
        services.AddMayfly(static (_, setup) => setup);

    /// <summary>As <see cref="AddMayfly(IServiceCollection)"/>, with changes.</summary>
    /// <param name="services">Where to add.</param>
    /// <param name="configure">Changes what the environment says: <c>setup =&gt; setup with { … }</c>.</param>
    public static IServiceCollection AddMayfly(
        this IServiceCollection services,
        Func<MayflySetup, MayflySetup> configure
    ) => services.AddMayfly((_, setup) => configure(setup));

    /// <summary>
    /// As <see cref="AddMayfly(IServiceCollection)"/>, with changes that need other services. A <see cref="TimeProvider"/> and loggers that
    /// the program has are used; an <see cref="ISecretSource"/> that it has registered is what <see cref="LiveSecrets"/> reads.
    /// </summary>
    /// <param name="services">Where to add.</param>
    /// <param name="configure">Changes what the environment says.</param>
    public static IServiceCollection AddMayfly(
        this IServiceCollection services,
        Func<IServiceProvider, MayflySetup, MayflySetup> configure
    )
    {
        services.TryAddSingleton(provider =>
        {
            var time = provider.GetService<TimeProvider>() ?? TimeProvider.System;
            var setup = new MayflySetup
            {
                Client = MayflyClientOptions.FromEnvironment() with { Time = time },
                Secrets = new LiveSecretsOptions
                {
                    Time = time,
                    Logger = provider.GetService<ILoggerFactory>()?.CreateLogger<LiveSecrets>(),
                },
            };
            return configure(provider, setup);
        });
        services.TryAddSingleton(static provider => NewClient(provider));
        services.TryAddSingleton<ISecretSource>(static provider => new MayflySecretSource(
            provider.GetRequiredService<MayflyClient>(),
            provider.GetRequiredService<MayflySetup>().Source
        ));
        services.TryAddSingleton(static provider => new LiveSecrets(
            provider.GetRequiredService<ISecretSource>(),
            provider.GetRequiredService<MayflySetup>().Secrets
        ));
        services.TryAddSingleton<MayflyHealthCheck>();
        return services;
    }

    private static MayflyClient NewClient(IServiceProvider provider)
    {
        var client = new MayflyClient(provider.GetRequiredService<MayflySetup>().Client);
        if (client.Session is { } session && provider.GetService<ILoggerFactory>() is { } logs)
        {
            SessionLog.Attach(session, logs.CreateLogger<MayflyClient>());
        }

        return client;
    }
}
