using Mayfly.Client.Secrets;
using Microsoft.Extensions.Configuration;

namespace Mayfly.Client.Configuration;

/// <summary>Makes the provider over live secrets, and what it alone needs, which goes with it.</summary>
internal sealed class MayflyConfigurationSource(
    Func<(LiveSecrets Secrets, IReadOnlyList<IDisposable> Owned)> open,
    MayflyConfigurationOptions options
) : IConfigurationSource
{
    public IConfigurationProvider Build(IConfigurationBuilder builder)
    {
        var (secrets, owned) = open();
        return new MayflyConfigurationProvider(secrets, options, owned);
    }
}
