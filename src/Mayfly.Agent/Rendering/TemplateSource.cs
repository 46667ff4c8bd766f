using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Mayfly.Agent.Kv;
using Mayfly.Agent.Templates;
using Mayfly.Client;
using Mayfly.Client.Logins;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Rendering;

/// <summary>
/// What templates ask a server for, as a source of live secrets: reads, writes with an answer, lists, certificates. A name is a
/// <see cref="Dependency.Key"/> that was registered before. Safe for concurrent use.
/// </summary>
internal sealed class TemplateSource : IWatchableSecretSource, ILeasingSecretSource, IReportingSecretSource
{
    private const double LongestSeconds = 100 * 365.0 * 86400;

    private static readonly JsonElement NoKeys = JsonElement.Parse("""{"keys":[]}"""u8);

    private static readonly JsonElement Nothing = JsonElement.Parse("{}"u8);

    private readonly MayflyClient _client;
    private readonly MayflySecretSource _secrets;
    private readonly KvMounts _mounts;
    private readonly TimeSpan _interval;
    private readonly double _threshold;
    private readonly double _refreshAt;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly MayflySecretSource _unnamed;

    // Certificates that have been asked for.
    private readonly ConcurrentDictionary<string, byte> _issued = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte> _refused = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Dependency> _dependencies = new(StringComparer.Ordinal);

    // The path of the API behind each name that was read or listed, for events.
    private readonly ConcurrentDictionary<string, string> _resolved = new(StringComparer.Ordinal);

    /// <summary>Asks with <paramref name="client"/>, which is not disposed of here.</summary>
    /// <param name="client">The server, and who asks.</param>
    /// <param name="interval">How long the answer to a write without a lease counts as fresh.</param>
    /// <param name="threshold">The part of its life after which what has no lease but an end is replaced.</param>
    /// <param name="refreshAt">The part of a TTL after which it is asked for again by what is made of this source.</param>
    /// <param name="consumer">What the agent calls itself, so that rotations wait for it; null for nothing.</param>
    /// <param name="log">Where it is told that the server waits for nobody.</param>
    /// <param name="time">The clock.</param>
    public TemplateSource(
        MayflyClient client,
        TimeSpan interval,
        double threshold,
        double refreshAt,
        string? consumer,
        ILogger log,
        TimeProvider time
    )
    {
        (_threshold, _refreshAt) = (threshold, refreshAt);
        _client = client;
        _secrets = new MayflySecretSource(client, new MayflySecretSourceOptions { Consumer = consumer });
        _log = log;
        _unnamed = new MayflySecretSource(client);
        _mounts = new KvMounts(client);
        _interval = interval;
        _time = time;
    }

    /// <inheritdoc/>
    public event EventHandler? LeasesEnding
    {
        add => _secrets.LeasesEnding += value;
        remove => _secrets.LeasesEnding -= value;
    }

    /// <inheritdoc/>
    public string Id => _secrets.Id;

    /// <inheritdoc/>
    public bool Reports => _secrets.Reports;

    /// <summary>Makes a dependency known by its key.</summary>
    public void Register(Dependency dependency) => _dependencies.TryAdd(dependency.Key, dependency);

    /// <inheritdoc/>
    public async Task<FetchedSecret> FetchAsync(string name, CancellationToken cancellationToken)
    {
        var dependency = _dependencies[name];
        try
        {
            return dependency.Kind switch
            {
                DependencyKind.Read => await ReadAsync(dependency, cancellationToken),
                DependencyKind.List => await ListAsync(dependency, cancellationToken),
                DependencyKind.Certificate => await CertificateAsync(dependency, cancellationToken),
                _ => await WriteAsync(dependency, cancellationToken),
            };
        }
        catch (SecretSourceException failure) when (failure.Reason != SecretFailure.Unreachable)
        {
            // Perhaps because the mount is of another version by now.
            _mounts.Forget();
            throw;
        }
        catch (MayflyConnectionException failure)
        {
            throw new SecretSourceException(SecretFailure.Unreachable, $"{dependency}: {failure.Message}", failure);
        }
        catch (LoginException failure)
        {
            throw new SecretSourceException(
                SecretFailure.Unreachable,
                $"{dependency}: not logged in: {failure.Message}",
                failure
            )
            {
                RetryAfter = failure.RetryAfter,
            };
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<SecretChange> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var change in _secrets.WatchAsync(cancellationToken))
        {
            if (change.Name is not { } path)
            {
                yield return change;
                continue;
            }

            foreach (var (name, resolved) in _resolved)
            {
                if (IsAbout(path, resolved, _dependencies[name].Kind))
                {
                    yield return new SecretChange(name);
                }
            }
        }
    }

    /// <inheritdoc/>
    public Task<SecretLease> RenewAsync(SecretLease lease, CancellationToken cancellationToken) =>
        _secrets.RenewAsync(lease, cancellationToken);

    /// <inheritdoc/>
    public Task RevokeAsync(SecretLease lease, CancellationToken cancellationToken) =>
        _secrets.RevokeAsync(lease, cancellationToken);

    /// <inheritdoc/>
    public async Task AcknowledgeAsync(string name, string? version, CancellationToken cancellationToken)
    {
        if (_dependencies[name].Kind != DependencyKind.Read || IsOfVersion(_dependencies[name].Path))
        {
            return;
        }

        try
        {
            await _secrets.AcknowledgeAsync(_resolved[name], version, cancellationToken);
        }
        catch (SecretSourceException failure)
            when (failure.Reason is SecretFailure.Denied or SecretFailure.NotFound or SecretFailure.Invalid)
        {
            // A server without consumers, or a policy that lets the agent be none.
            if (_refused.TryAdd(name, 0))
            {
                _log.LogWarning("No rotation waits for this agent's use of {Secret}: {Reason}", name, failure.Message);
            }
        }
    }

    private static bool IsAbout(string path, string resolved, DependencyKind kind)
    {
        if (kind != DependencyKind.List)
        {
            return path == resolved;
        }

        // A list changes with what is below it, of which events name the data.
        var folder = resolved.Replace("/metadata", "/data", StringComparison.Ordinal) + "/";
        return path.StartsWith(resolved + "/", StringComparison.Ordinal)
            || path.StartsWith(folder, StringComparison.Ordinal);
    }

    private async Task<FetchedSecret> ReadAsync(Dependency dependency, CancellationToken cancellation)
    {
        var (path, _) = await _mounts.ResolveAsync(dependency.Path, "data", cancellation);
        Remember(dependency, path);
        // Whoever wants a certain version does not follow a rotation, which would wait for nothing.
        return await (IsOfVersion(path) ? _unnamed : _secrets).FetchAsync(path, cancellation);
    }

    private async Task<FetchedSecret> ListAsync(Dependency dependency, CancellationToken cancellation)
    {
        var (path, _) = await _mounts.ResolveAsync(dependency.Path, "metadata", cancellation);
        Remember(dependency, path);
        var answer = await _client.ListAsync(path, cancellation);
        if (answer.Status == 404)
        {
            // Nothing below it, or no such folder: the API does not tell the two apart.
            return new FetchedSecret(NoKeys);
        }

        return new FetchedSecret(
            Checked(dependency, answer).Data is { ValueKind: JsonValueKind.Object } data ? data : NoKeys
        );
    }

    private async Task<FetchedSecret> WriteAsync(Dependency dependency, CancellationToken cancellation)
    {
        var (path, isVersioned) = await _mounts.ResolveAsync(dependency.Path, "data", cancellation);
        var answer = Checked(dependency, await _client.WriteAsync(path, Body(dependency, isVersioned), cancellation));
        var fields = answer.Data.ValueKind == JsonValueKind.Object ? answer.Data : Nothing;
        return new FetchedSecret(fields)
        {
            Reply = answer.Root.ValueKind == JsonValueKind.Object ? answer.Root : Nothing,
            // A token stands beside the fields, by which values are told apart.
            Version = Accessor(answer.Auth) ?? Accessor(answer.WrapInfo),
            Lease = Lease(answer),
            Ttl = Ttl(answer),
        };
    }

    private async Task<FetchedSecret> CertificateAsync(Dependency dependency, CancellationToken cancellation)
    {
        // Only what an agent before this one has left: what this one has had is asked for again because its time has come.
        if (
            _issued.TryAdd(dependency.Key, 0)
            && KeptCertificate.Read(dependency.Destination, _threshold, _time.GetUtcNow()) is { } kept
        )
        {
            return new FetchedSecret(kept.Fields) { Ttl = UntilRefresh(kept.Left) };
        }

        return await WriteAsync(dependency, cancellation);
    }

    private static bool IsOfVersion(string path) => path.Contains('?', StringComparison.Ordinal);

    private void Remember(Dependency dependency, string path)
    {
        var question = path.IndexOf('?', StringComparison.Ordinal);
        _resolved[dependency.Key] = question < 0 ? path : path[..question];
    }

    private static MayflyResponse Checked(Dependency dependency, MayflyResponse answer)
    {
        if (answer.IsSuccess)
        {
            return answer;
        }

        var reason = answer.Status switch
        {
            401 or 403 => SecretFailure.Denied,
            404 => SecretFailure.NotFound,
            429 => SecretFailure.Throttled,
            412 or >= 500 => SecretFailure.Unreachable,
            _ => SecretFailure.Invalid,
        };
        // What was written may come back in what the server says about it.
        var why = dependency.Data.Count > 0 ? "" : string.Concat(answer.Errors.Select(error => ", " + error.Trim()));
        throw new SecretSourceException(reason, $"{dependency}: the server answered {answer.Status}{why}");
    }

    private static string? Accessor(JsonElement token) =>
        token.ValueKind == JsonValueKind.Object && token.TryGetProperty("accessor", out var accessor)
            ? accessor.GetString()
            : null;

    private static SecretLease? Lease(MayflyResponse answer) =>
        answer.Member("lease_id") is { ValueKind: JsonValueKind.String } id && id.GetString() is { Length: > 0 } text
            ? new SecretLease(
                text,
                Seconds(answer.Member("lease_duration")) ?? TimeSpan.Zero,
                answer.Member("renewable").ValueKind == JsonValueKind.True
            )
            : null;

    /// <summary>A certificate says when it ends, a token how long it lives; any other answer is asked for again like a stored secret.</summary>
    private TimeSpan Ttl(MayflyResponse answer)
    {
        var auth = answer.Auth;
        if (auth.ValueKind == JsonValueKind.Object && auth.TryGetProperty("lease_duration", out var lifetime))
        {
            return Seconds(lifetime) is { } life && life > TimeSpan.Zero ? UntilRefresh(life * _threshold) : _interval;
        }

        if (
            answer.Data.ValueKind == JsonValueKind.Object
            && answer.Data.TryGetProperty("expiration", out var end)
            && end.ValueKind == JsonValueKind.Number
            && end.TryGetInt64(out var number)
            && Time(number) - _time.GetUtcNow() is { } left
            && left > TimeSpan.Zero
        )
        {
            return UntilRefresh(left * _threshold);
        }

        return _interval;
    }

    /// <summary>The TTL of what is to be asked for again after <paramref name="wait"/> at the latest.</summary>
    private TimeSpan UntilRefresh(TimeSpan wait) => wait / _refreshAt;

    /// <summary>Seconds since 1970; or milliseconds, as some engines count, when they would be a time that no calendar has. Null for no time.</summary>
    private static DateTimeOffset? Time(long number) =>
        number < 0 ? null
        : number <= DateTimeOffset.MaxValue.ToUnixTimeSeconds() ? DateTimeOffset.FromUnixTimeSeconds(number)
        : number <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds() ? DateTimeOffset.FromUnixTimeMilliseconds(number)
        : null;

    /// <summary>A duration in seconds; one that is too long for anything is cut to a century.</summary>
    private static TimeSpan? Seconds(JsonElement element) =>
        element.ValueKind == JsonValueKind.Number
            ? TimeSpan.FromSeconds(Math.Clamp(element.GetDouble(), 0, LongestSeconds))
            : null;

    private static ReadOnlyMemory<byte> Body(Dependency dependency, bool isVersioned)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            if (isVersioned)
            {
                writer.WriteStartObject("data");
            }

            foreach (var (name, value) in dependency.Data)
            {
                writer.WriteString(name, value);
            }

            if (isVersioned)
            {
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        return json.WrittenMemory;
    }
}
