using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Mayfly.Agent.Templates;
using Mayfly.Client;
using Mayfly.Client.Logins;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Agent.Rendering;

/// <summary>
/// What templates ask a server for, as a source of live secrets: reads, writes with an answer, lists, certificates. A name is a
/// <see cref="Dependency.Key"/> that was registered before. Safe for concurrent use.
/// </summary>
internal sealed class TemplateSource : IWatchableSecretSource, ILeasingSecretSource
{
    private static readonly JsonElement NoKeys = JsonElement.Parse("""{"keys":[]}"""u8);

    private static readonly JsonElement Nothing = JsonElement.Parse("{}"u8);

    private readonly MayflyClient _client;
    private readonly MayflySecretSource _secrets;
    private readonly KvPaths _paths;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, Dependency> _dependencies = new(StringComparer.Ordinal);

    // The path of the API behind each name that was read or listed, for events.
    private readonly ConcurrentDictionary<string, string> _resolved = new(StringComparer.Ordinal);

    /// <summary>Asks with <paramref name="client"/>, which is not disposed of here.</summary>
    /// <param name="client">The server, and who asks.</param>
    /// <param name="interval">How long the answer to a write without a lease counts as fresh.</param>
    /// <param name="time">The clock.</param>
    public TemplateSource(MayflyClient client, TimeSpan interval, TimeProvider time)
    {
        _client = client;
        _secrets = new MayflySecretSource(client);
        _paths = new KvPaths(client);
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
            _paths.Forget();
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
        var (path, _) = await _paths.ResolveAsync(dependency.Path, "data", cancellation);
        Remember(dependency, path);
        return await _secrets.FetchAsync(path, cancellation);
    }

    private async Task<FetchedSecret> ListAsync(Dependency dependency, CancellationToken cancellation)
    {
        var (path, _) = await _paths.ResolveAsync(dependency.Path, "metadata", cancellation);
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
        var (path, isVersioned) = await _paths.ResolveAsync(dependency.Path, "data", cancellation);
        var answer = Checked(dependency, await _client.WriteAsync(path, Body(dependency, isVersioned), cancellation));
        var fields = answer.Data.ValueKind == JsonValueKind.Object ? answer.Data : Nothing;
        return new FetchedSecret(fields)
        {
            Reply = answer.Root.ValueKind == JsonValueKind.Object ? answer.Root : Nothing,
            Lease = Lease(answer),
            Ttl = Ttl(answer),
        };
    }

    private async Task<FetchedSecret> CertificateAsync(Dependency dependency, CancellationToken cancellation)
    {
        if (KeptCertificate.Read(dependency.Destination, _time.GetUtcNow()) is { } kept)
        {
            return kept;
        }

        return await WriteAsync(dependency, cancellation);
    }

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
            return Seconds(lifetime) is { } life && life > TimeSpan.Zero ? life : _interval;
        }

        if (
            answer.Data.ValueKind == JsonValueKind.Object
            && answer.Data.TryGetProperty("expiration", out var end)
            && end.ValueKind == JsonValueKind.Number
            && end.TryGetInt64(out var seconds)
        )
        {
            return DateTimeOffset.FromUnixTimeSeconds(seconds) - _time.GetUtcNow();
        }

        return _interval;
    }

    private static TimeSpan? Seconds(JsonElement element) =>
        element.ValueKind == JsonValueKind.Number ? TimeSpan.FromSeconds(element.GetDouble()) : null;

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
