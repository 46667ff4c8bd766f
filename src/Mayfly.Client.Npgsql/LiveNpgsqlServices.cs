using System.Data.Common;
using Mayfly.Client.Secrets;
using Microsoft.Extensions.DependencyInjection;

namespace Mayfly.Client.Npgsql;

/// <summary>PostgreSQL with a live secret in a program that is put together by dependency injection.</summary>
public static class LiveNpgsqlServices
{
    /// <summary>
    /// Adds one <see cref="LiveNpgsqlDataSource"/>, also as <see cref="DbDataSource"/>, over the program's <see cref="LiveSecrets"/>, which
    /// <c>AddMayfly</c> adds.
    /// </summary>
    /// <param name="services">Where to add.</param>
    /// <param name="connectionString">Host, database and settings of the pool; user and password come from the secret.</param>
    /// <param name="secret">The name of the secret: <c>database/static-creds/orders</c>.</param>
    /// <param name="options">The names of its fields.</param>
    public static IServiceCollection AddLiveNpgsql(
        this IServiceCollection services,
        string connectionString,
        string secret,
        LiveNpgsqlOptions? options = null
    ) =>
        services
            .AddSingleton(provider => new LiveNpgsqlDataSource(
                connectionString,
                provider.GetRequiredService<LiveSecrets>().Get(secret),
                options
            ))
            .AddSingleton<DbDataSource>(static provider => provider.GetRequiredService<LiveNpgsqlDataSource>());
}
