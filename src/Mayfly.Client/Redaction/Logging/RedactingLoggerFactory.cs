using Microsoft.Extensions.Logging;

namespace Mayfly.Client.Redaction.Logging;

/// <summary>
/// Makes loggers that redact, in front of all providers: so that their filters and names stay as they are, and the work is
/// done once. Scopes that providers read themselves are redacted as they are read.
/// </summary>
internal sealed class RedactingLoggerFactory : ILoggerFactory
{
    private readonly ILoggerFactory _inner;
    private readonly Redactor _redactor;
    private readonly RedactingScopes? _scopes;

    /// <summary>A factory before <paramref name="inner"/>.</summary>
    /// <param name="inner">The factory of the providers; disposed with this one.</param>
    /// <param name="providers">Its providers, among them a <see cref="ScopeProbe"/>.</param>
    /// <param name="redactor">Knows the secrets.</param>
    public RedactingLoggerFactory(ILoggerFactory inner, IEnumerable<ILoggerProvider> providers, Redactor redactor)
    {
        _inner = inner;
        _redactor = redactor;
        var all = providers.ToList();
        if (all.OfType<ScopeProbe>().FirstOrDefault()?.Scopes is { } scopes)
        {
            _scopes = new RedactingScopes(scopes, redactor);
            all.ForEach(Give);
        }
    }

    public ILogger CreateLogger(string categoryName) =>
        new RedactingLogger(_inner.CreateLogger(categoryName), _redactor);

    public void AddProvider(ILoggerProvider provider)
    {
        _inner.AddProvider(provider);
        Give(provider);
    }

    public void Dispose() => _inner.Dispose();

    private void Give(ILoggerProvider provider)
    {
        if (_scopes is not null && provider is ISupportExternalScope reader)
        {
            reader.SetScopeProvider(_scopes);
        }
    }
}
