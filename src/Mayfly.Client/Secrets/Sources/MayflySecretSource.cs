using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Mayfly.Client.Logins;

namespace Mayfly.Client.Secrets.Sources;

/// <summary>How secrets are read from a Mayfly or Vault server. Immutable.</summary>
public sealed record MayflySecretSourceOptions
{
    /// <summary>
    /// What the program calls itself, <c>app/instance</c>, so that rotations wait for it: 1 to 128 printable ASCII characters
    /// without spaces. Null to read without a name.
    /// </summary>
    public string? Consumer { get; init; }

    /// <summary>
    /// Which events tell of changes, <c>*</c> for any text. The token's policy needs <c>read</c> on
    /// <c>sys/events/subscribe/</c> and this.
    /// </summary>
    public string EventTypes { get; init; } = "*";
}

/// <summary>
/// Secrets of a Mayfly server, or of any that speaks Vault's HTTP API. A name is the path that is read, as in the HTTP API:
/// <c>secret/data/app</c> (KV v2), <c>kv/app</c> (KV v1), <c>database/creds/app</c>, <c>database/static-creds/app</c>; a certain
/// version is <c>secret/data/app?version=3</c>. Safe for concurrent use.
/// </summary>
public sealed class MayflySecretSource
    : ISecretSource,
        IWatchableSecretSource,
        ILeasingSecretSource,
        IReportingSecretSource
{
    private const double LongestSeconds = 100 * 365.0 * 86400;

    private readonly MayflyClient _client;
    private readonly MayflySecretSourceOptions _options;

    /// <summary>Reads with <paramref name="client"/>, which is not disposed of here.</summary>
    /// <param name="client">The server, and who calls it.</param>
    /// <param name="options">What else.</param>
    public MayflySecretSource(MayflyClient client, MayflySecretSourceOptions? options = null)
    {
        _client = client;
        _options = options ?? new MayflySecretSourceOptions();
        Id = "mayfly " + client.Address;
        if (client.Session is { } session)
        {
            // The credentials die with the token that they were given to.
            session.LoggedIn += (_, login) =>
            {
                if (login.Previous is not null)
                {
                    LeasesEnding?.Invoke(this, EventArgs.Empty);
                }
            };
        }
    }

    /// <inheritdoc/>
    public event EventHandler? LeasesEnding;

    /// <inheritdoc/>
    public string Id { get; }

    /// <inheritdoc/>
    public bool Reports => _options.Consumer is { Length: > 0 };

    /// <inheritdoc/>
    public async Task<FetchedSecret> FetchAsync(string name, CancellationToken cancellationToken)
    {
        var question = name.IndexOf('?', StringComparison.Ordinal);
        var path = question < 0 ? name : name[..question];
        var request = new MayflyRequest(HttpMethod.Get, path)
        {
            // Sent twice, it would make a second user, which nobody knows of.
            ChangesNothing = !path.Contains("/creds/", StringComparison.Ordinal),
            Consumer = _options.Consumer,
            Query = question < 0 ? [] : Query(name[(question + 1)..]),
        };
        var response = await SendAsync(name, request, cancellationToken);
        if (response.Status == 404 && Member(response.Data, "metadata").ValueKind == JsonValueKind.Object)
        {
            throw new SecretSourceException(SecretFailure.NotFound, $"{name}: its current version is deleted.");
        }

        Check(name, response);
        return response.Data.ValueKind == JsonValueKind.Object
            ? Read(response)
            : throw new SecretSourceException(SecretFailure.Invalid, $"{name}: the answer holds no data.");
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<SecretChange> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var events = _client
            .SubscribeAsync(_options.EventTypes, new SubscriptionOptions { TellsConnection = true }, cancellationToken)
            .GetAsyncEnumerator(cancellationToken);
        while (await NextAsync(events))
        {
            var change = events.Current;
            if (change.IsLost)
            {
                yield return SecretChange.Everything;
            }
            else if (ReferenceEquals(change, MayflyEvent.Interrupted))
            {
                yield return SecretChange.Interrupted;
            }
            else if (ReferenceEquals(change, MayflyEvent.Resumed))
            {
                yield return SecretChange.Resumed;
            }
            else if ((change.DataPath.Length > 0 ? change.DataPath : change.Path) is { Length: > 0 } path)
            {
                yield return new SecretChange(path);
            }
        }
    }

    /// <inheritdoc/>
    public async Task<SecretLease> RenewAsync(SecretLease lease, CancellationToken cancellationToken)
    {
        var body = Body(
            ("lease_id", lease.Id),
            ("increment", ((long)lease.Duration.TotalSeconds).ToString(CultureInfo.InvariantCulture))
        );
        var request = new MayflyRequest(HttpMethod.Put, "sys/leases/renew") { Body = body };
        var response = await SendAsync(lease.Id, request, cancellationToken);
        Check("renewing " + lease.Id, response);
        return new SecretLease(lease.Id, Duration(response), IsTrue(response.Member("renewable")));
    }

    /// <inheritdoc/>
    public async Task RevokeAsync(SecretLease lease, CancellationToken cancellationToken)
    {
        var request = new MayflyRequest(HttpMethod.Put, "sys/leases/revoke") { Body = Body(("lease_id", lease.Id)) };
        Check("revoking " + lease.Id, await SendAsync(lease.Id, request, cancellationToken));
    }

    /// <inheritdoc/>
    public async Task AcknowledgeAsync(string name, string? version, CancellationToken cancellationToken)
    {
        var request = new MayflyRequest(HttpMethod.Put, "sys/consumers/ack")
        {
            Consumer = _options.Consumer,
            Body = Body(("path", name), ("version", version ?? "")),
        };
        Check("acknowledging " + name, await SendAsync(name, request, cancellationToken));
    }

    private static async ValueTask<bool> NextAsync(IAsyncEnumerator<MayflyEvent> events)
    {
        try
        {
            return await events.MoveNextAsync();
        }
        catch (MayflyException failure)
        {
            throw Failure("events", failure);
        }
    }

    private async Task<MayflyResponse> SendAsync(
        string name,
        MayflyRequest request,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return await _client.SendAsync(request, cancellationToken);
        }
        catch (MayflyException failure)
        {
            throw Failure(name, failure);
        }
    }

    private static SecretSourceException Failure(string what, MayflyException failure) =>
        failure switch
        {
            MayflyApiException refusal => new(
                Reason(refusal.Status),
                $"{what}: {Explain(refusal.Status, refusal.Errors)}",
                refusal
            ),
            LoginException login => new(
                login.IsRefusal ? SecretFailure.Denied : SecretFailure.Unreachable,
                $"{what}: {login.Message}",
                login
            )
            {
                RetryAfter = login.RetryAfter,
            },
            _ => new(SecretFailure.Unreachable, $"{what}: {failure.Message}", failure),
        };

    private static void Check(string what, MayflyResponse response)
    {
        if (!response.IsSuccess)
        {
            var why = response.Errors.Count > 0 ? response.Errors : response.Warnings;
            throw new SecretSourceException(Reason(response.Status), $"{what}: {Explain(response.Status, why)}");
        }
    }

    private static SecretFailure Reason(int status) =>
        status switch
        {
            401 or 403 => SecretFailure.Denied,
            404 => SecretFailure.NotFound,
            429 => SecretFailure.Throttled,
            412 or >= 500 => SecretFailure.Unreachable,
            _ => SecretFailure.Invalid,
        };

    private static string Explain(int status, IReadOnlyList<string> texts) =>
        texts.Count > 0 ? $"{status}, {string.Join("; ", texts.Select(text => text.Trim()))}"
        : status == 404 ? "404, there is no such secret"
        : $"the server answered {status}";

    private static FetchedSecret Read(MayflyResponse response)
    {
        var data = response.Data;
        var lease = response.Member("lease_id");
        var duration = Duration(response);
        if (lease.ValueKind == JsonValueKind.String && lease.GetString() is { Length: > 0 } id)
        {
            return new FetchedSecret(data)
            {
                Lease = new SecretLease(id, duration, IsTrue(response.Member("renewable"))),
            };
        }

        var metadata = Member(data, "metadata");
        var fields = Member(data, "data");
        if (
            fields.ValueKind == JsonValueKind.Object
            && Member(metadata, "version").ValueKind == JsonValueKind.Number
            && Member(metadata, "created_time").ValueKind == JsonValueKind.String
        )
        {
            var version = metadata.GetProperty("version").GetInt64();
            return new FetchedSecret(fields)
            {
                Reply = data,
                Version = version.ToString(CultureInfo.InvariantCulture),
                VersionNumber = version,
            };
        }

        // A password that the server rotates: what is left until then counts down from read to read.
        if (
            Member(data, "last_vault_rotation").ValueKind == JsonValueKind.String
            && Member(data, "ttl") is { ValueKind: JsonValueKind.Number } left
        )
        {
            return new FetchedSecret(data) { Ttl = Seconds(left), Unsteady = ["ttl"] };
        }

        return new FetchedSecret(data) { Ttl = duration > TimeSpan.Zero ? duration : null };
    }

    private static TimeSpan Duration(MayflyResponse response) =>
        response.Member("lease_duration") is { ValueKind: JsonValueKind.Number } seconds
            ? Seconds(seconds)
            : TimeSpan.Zero;

    /// <summary>A duration; one that is too long for anything is cut to a century.</summary>
    private static TimeSpan Seconds(JsonElement number) =>
        TimeSpan.FromSeconds(Math.Clamp(number.GetDouble(), 0, LongestSeconds));

    private static bool IsTrue(JsonElement element) => element.ValueKind == JsonValueKind.True;

    private static JsonElement Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;

    private static KeyValuePair<string, string>[] Query(string text) =>
        [
            .. text.Split('&', StringSplitOptions.RemoveEmptyEntries)
                .Select(pair => pair.Split('=', 2))
                .Select(pair => new KeyValuePair<string, string>(pair[0], pair.Length > 1 ? pair[1] : "")),
        ];

    private static ReadOnlyMemory<byte> Body(params ReadOnlySpan<(string Name, string Value)> members)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in members)
            {
                writer.WriteString(name, value);
            }

            writer.WriteEndObject();
        }

        return json.WrittenMemory;
    }
}
