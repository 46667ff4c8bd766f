using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Mayfly.Agent.Templates;
using Mayfly.Agent.Templates.Values;
using Mayfly.Client.Secrets;

namespace Mayfly.Agent.Rendering;

/// <summary>
/// What all templates of an agent have asked for. Each thing is asked of the server once, whoever else wants it, and kept fresh
/// from then on. Safe for concurrent use.
/// </summary>
internal sealed class TemplateData : ITemplateData
{
    // What is known to the source to end earlier ends when it says.
    private static readonly LiveSecretOptions Written = new() { Ttl = TimeSpan.FromDays(3650) };

    private readonly LiveSecrets _live;
    private readonly TemplateSource _source;
    private readonly LocalFiles _files;
    private readonly ConcurrentDictionary<string, byte> _announced = new(StringComparer.Ordinal);
    private readonly ConditionalWeakTable<SecretValue, object> _values = [];

    public TemplateData(LiveSecrets live, TemplateSource source, LocalFiles files)
    {
        _live = live;
        _source = source;
        _files = files;
        files.Changed += path => Changed?.Invoke(Dependency.File(path).Key);
    }

    /// <summary>What has the key has another value. Handlers return at once.</summary>
    public Action<string>? Changed { get; set; }

    /// <inheritdoc/>
    public bool TryGet(Dependency dependency, out object? value) => TryGet(dependency, out value, out _);

    /// <summary>As the other; and the secret that the value was made of, when it was made of one.</summary>
    public bool TryGet(Dependency dependency, out object? value, out SecretValue? secret)
    {
        (value, secret) = (null, null);
        switch (dependency.Kind)
        {
            case DependencyKind.Foreign:
                return false;
            case DependencyKind.File:
                var isRead = _files.TryGet(dependency.Path, out var content);
                value = content;
                return isRead;
            default:
                if (!Live(dependency).TryGetCurrent(out secret))
                {
                    return false;
                }

                value = _values.GetValue(secret, secret => Value(dependency.Kind, secret));
                return true;
        }
    }

    /// <summary>The live secret of a dependency that is one.</summary>
    public LiveSecret Live(Dependency dependency)
    {
        _source.Register(dependency);
        var live = _live.Get(
            dependency.Key,
            dependency.Kind is DependencyKind.Write or DependencyKind.Certificate ? Written : null
        );
        if (_announced.TryAdd(dependency.Key, 0))
        {
            live.Changed += (_, _) => Changed?.Invoke(dependency.Key);
        }

        return live;
    }

    private static object Value(DependencyKind kind, SecretValue secret) =>
        kind switch
        {
            DependencyKind.List => GoSlice.Of(
                secret.Fields.TryGetProperty("keys", out var keys)
                && keys.ValueKind == System.Text.Json.JsonValueKind.Array
                    ? keys.EnumerateArray().Select(key => key.GetString() ?? "").Order(StringComparer.Ordinal)
                    : []
            ),
            DependencyKind.Certificate => TemplateCertificate.Of(secret),
            DependencyKind.Write => TemplateSecret.OfWrite(secret),
            _ => TemplateSecret.OfRead(secret),
        };
}
