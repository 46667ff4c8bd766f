using Mayfly.Client.Redaction;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;
using Microsoft.Extensions.Configuration;

namespace Mayfly.Client.Configuration;

/// <summary>Secrets in .NET's configuration.</summary>
public static class MayflyConfigurationExtensions
{
    /// <summary>
    /// Adds secrets of the server that the environment names (<see cref="MayflyClientOptions.FromEnvironment()"/>). What options are
    /// bound to is reloaded when a secret changes: <c>IOptionsMonitor</c> gives the new value.
    /// </summary>
    /// <param name="builder">The configuration of the program.</param>
    /// <param name="secrets">The secrets, and the sections that their fields are put in.</param>
    public static IConfigurationBuilder AddMayfly(
        this IConfigurationBuilder builder,
        params IReadOnlyList<ConfiguredSecret> secrets
    ) =>
        builder.Add(
            new MayflyConfigurationSource(
                static () =>
                {
                    var client = new MayflyClient(MayflyClientOptions.FromEnvironment());
                    var live = new LiveSecrets(new MayflySecretSource(client));
                    return (live, [live, client]);
                },
                new MayflyConfigurationOptions { Secrets = secrets }
            )
        );

    /// <summary>Adds live secrets of any source.</summary>
    /// <param name="builder">The configuration of the program.</param>
    /// <param name="live">The secrets. They are not disposed of with the configuration.</param>
    /// <param name="options">Which of them, and how the program starts.</param>
    public static IConfigurationBuilder AddMayfly(
        this IConfigurationBuilder builder,
        LiveSecrets live,
        MayflyConfigurationOptions options
    ) => builder.Add(new MayflyConfigurationSource(() => (live, []), options));

    /// <summary>
    /// What <see cref="ConfigurationRootExtensions.GetDebugView(IConfigurationRoot)"/> shows, without secrets: everything that comes
    /// from here is masked, and known secrets in what comes from elsewhere. .NET's own view prints all values.
    /// </summary>
    /// <param name="root">The configuration of the program.</param>
    public static string GetRedactedDebugView(this IConfigurationRoot root) =>
        root.GetDebugView(static context =>
            context.ConfigurationProvider is MayflyConfigurationProvider
                ? Redactor.Mask
                : Redactor.Shared.Redact(context.Value ?? "")
        );
}
