using System.Diagnostics;
using System.Diagnostics.Metrics;
using Mayfly.Client.Secrets;

namespace Mayfly.Client.Telemetry;

/// <summary>The library's meter. No tag holds a secret or a path: paths are as many as there are secrets.</summary>
internal static class Instruments
{
    private const string Outcome = "mayfly.outcome";

    private static readonly Meter Meter = new(
        MayflyTelemetry.Name,
        typeof(Instruments).Assembly.GetName().Version?.ToString()
    );

    private static readonly Histogram<double> Requests = Meter.CreateHistogram<double>(
        "mayfly.client.request.duration",
        "s",
        "Answers of the server, and attempts that got none."
    );

    private static readonly Counter<long> Retries = Meter.CreateCounter<long>(
        "mayfly.client.retries",
        "{request}",
        "Requests that were sent again."
    );

    private static readonly Counter<long> Logins = Meter.CreateCounter<long>(
        "mayfly.client.logins",
        "{login}",
        "Logins, by what came of them."
    );

    private static readonly Counter<long> Renewals = Meter.CreateCounter<long>(
        "mayfly.client.token.renewals",
        "{renewal}",
        "Renewals of the client's token, by what came of them."
    );

    private static readonly Counter<long> Fetches = Meter.CreateCounter<long>(
        "mayfly.client.secret.fetches",
        "{fetch}",
        "Reads of live secrets from their source, by what came of them."
    );

    private static readonly Counter<long> LeaseRenewals = Meter.CreateCounter<long>(
        "mayfly.client.secret.renewals",
        "{renewal}",
        "Renewals of the leases of live secrets, by what came of them."
    );

    static Instruments() =>
        Meter.CreateObservableGauge(
            "mayfly.client.secrets",
            LiveSecretsInUse.Count,
            "{secret}",
            "Live secrets, by how good their value is."
        );

    public static void Answered(Uri server, HttpMethod method, int status, TimeSpan took)
    {
        if (Requests.Enabled)
        {
            var tags = Tags(server, method);
            tags.Add("http.response.status_code", status);
            Requests.Record(took.TotalSeconds, tags);
        }
    }

    public static void Unanswered(Uri server, HttpMethod method, Exception failure, TimeSpan took)
    {
        if (Requests.Enabled)
        {
            var tags = Tags(server, method);
            tags.Add("error.type", failure is OperationCanceledException ? "timeout" : failure.GetType().FullName);
            Requests.Record(took.TotalSeconds, tags);
        }
    }

    public static void Repeated(Uri server) => Retries.Add(1, Server(server), Port(server));

    public static void LoggedIn(Uri server, string outcome) =>
        Logins.Add(1, Server(server), Port(server), new(Outcome, outcome));

    public static void Renewed(Uri server, string outcome) =>
        Renewals.Add(1, Server(server), Port(server), new(Outcome, outcome));

    public static void Fetched(ISecretSource source, SecretFailure? failure) =>
        Fetches.Add(1, Source(source), new(Outcome, Word(failure)));

    public static void LeaseRenewed(ISecretSource source, SecretFailure? failure) =>
        LeaseRenewals.Add(1, Source(source), new(Outcome, Word(failure)));

    /// <summary>What came of a login or a renewal.</summary>
    public static string Word(Exception? failure) =>
        failure switch
        {
            null => "ok",
            MayflyApiException { Status: >= 400 and < 500 and not 429 } => "refused",
            _ => "failed",
        };

    internal static KeyValuePair<string, object?> Source(ISecretSource source) => new("mayfly.source", source.Id);

    private static string Word(SecretFailure? failure) =>
        failure switch
        {
            null => "ok",
            SecretFailure.Unreachable => "unreachable",
            SecretFailure.Throttled => "throttled",
            SecretFailure.NotFound => "not_found",
            SecretFailure.Denied => "denied",
            _ => "invalid",
        };

    private static TagList Tags(Uri server, HttpMethod method) =>
        [Server(server), Port(server), new("http.request.method", method.Method)];

    private static KeyValuePair<string, object?> Server(Uri server) => new("server.address", server.Host);

    private static KeyValuePair<string, object?> Port(Uri server) => new("server.port", server.Port);
}
