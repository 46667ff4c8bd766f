using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Amazon.Runtime;
using Amazon.Runtime.Credentials;
using Mayfly.Client.Secrets;

namespace Mayfly.Client.Aws;

/// <summary>Which Secrets Manager is read, and as whom. Immutable.</summary>
public sealed record AwsSecretsManagerSourceOptions
{
    /// <summary>The region, such as <c>eu-central-1</c>.</summary>
    public required string Region { get; init; }

    /// <summary>The address; null for AWS's own of the region.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>
    /// Who reads; null for what the AWS SDK finds by itself: environment, profile, web identity of a Kubernetes service account,
    /// container, instance.
    /// </summary>
    public AWSCredentials? Credentials { get; init; }

    /// <summary>The label of the version that is read.</summary>
    public string VersionStage { get; init; } = "AWSCURRENT";

    /// <summary>Sends the requests; null for one of the source's own. It is not disposed of here.</summary>
    public HttpMessageInvoker? Http { get; init; }

    /// <summary>The time that is signed; a test hands in its own.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>
/// Secrets of AWS Secrets Manager. A name is a secret's name or ARN. A <c>SecretString</c> that is a JSON object is the fields, any
/// other the field <c>value</c>; a <c>SecretBinary</c> is the field <c>binary</c>, in base64. The version is AWS's
/// <c>VersionId</c>. Changes are found when secrets are read again. Safe for concurrent use.
/// </summary>
public sealed class AwsSecretsManagerSource : ISecretSource, IDisposable
{
    private const string Service = "secretsmanager";
    private const int LargestAnswer = 1 << 20;

    private readonly AwsSecretsManagerSourceOptions _options;
    private readonly Lazy<AWSCredentials> _credentials;
    private readonly HttpMessageInvoker _http;
    private readonly Uri _endpoint;

    /// <summary>Connects, and looks for credentials, at the first read.</summary>
    /// <param name="options">Where, and as whom.</param>
    public AwsSecretsManagerSource(AwsSecretsManagerSourceOptions options)
    {
        _options = options;
        _credentials = new Lazy<AWSCredentials>(
            () => options.Credentials ?? DefaultAWSCredentialsIdentityResolver.GetCredentials(),
            LazyThreadSafetyMode.PublicationOnly
        );
        _http =
            options.Http
            ?? new HttpMessageInvoker(
                new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) }
            );
        _endpoint =
            options.Endpoint
            ?? new Uri(
                $"https://{Service}.{options.Region}.amazonaws.com{(options.Region.StartsWith("cn-", StringComparison.Ordinal) ? ".cn" : "")}/"
            );
        Id = $"aws {_endpoint} {options.VersionStage}";
    }

    /// <inheritdoc/>
    public string Id { get; }

    /// <inheritdoc/>
    public async Task<FetchedSecret> FetchAsync(string name, CancellationToken cancellationToken)
    {
        var body = Body(name);
        var credentials = await CredentialsAsync(name);
        using var request = new HttpRequestMessage(HttpMethod.Post, _endpoint)
        {
            Content = new ByteArrayContent(body)
            {
                Headers = { ContentType = new MediaTypeHeaderValue("application/x-amz-json-1.1") },
            },
        };
        request.Headers.TryAddWithoutValidation("X-Amz-Target", Service + ".GetSecretValue");
        SignatureVersion4.Sign(request, body, credentials, _options.Region, Service, _options.Time.GetUtcNow());
        try
        {
            using var reply = await _http.SendAsync(request, cancellationToken);
            await reply.Content.LoadIntoBufferAsync(LargestAnswer, cancellationToken);
            var answer = await reply.Content.ReadAsByteArrayAsync(cancellationToken);
            return reply.IsSuccessStatusCode ? Read(name, answer) : throw Refusal(name, reply, answer);
        }
        catch (HttpRequestException failure)
        {
            throw new SecretSourceException(
                SecretFailure.Unreachable,
                $"{name}: no answer from {_endpoint}: {failure.Message}",
                failure
            );
        }
    }

    /// <summary>Closes the connections, where they are the source's own.</summary>
    public void Dispose()
    {
        if (_options.Http is null)
        {
            _http.Dispose();
        }
    }

    private byte[] Body(string name)
    {
        using var body = new MemoryStream();
        using (var writer = new Utf8JsonWriter(body))
        {
            writer.WriteStartObject();
            writer.WriteString("SecretId", name);
            writer.WriteString("VersionStage", _options.VersionStage);
            writer.WriteEndObject();
        }

        return body.ToArray();
    }

    private async Task<ImmutableCredentials> CredentialsAsync(string name)
    {
        try
        {
            return await _credentials.Value.GetCredentialsAsync();
        }
        catch (AmazonClientException failure)
        {
            throw new SecretSourceException(
                SecretFailure.Unreachable,
                $"{name}: no AWS credentials were found: {failure.Message}",
                failure
            );
        }
    }

    private static FetchedSecret Read(string name, byte[] answer)
    {
        try
        {
            var root = JsonElement.Parse(answer);
            var secret =
                Text(root, "SecretString") is { } text ? FetchedSecret.Parse(text)
                : Text(root, "SecretBinary") is { } binary ? FetchedSecret.Of([new("binary", binary)])
                : null;
            return secret is null
                ? throw new SecretSourceException(SecretFailure.Invalid, $"{name}: the answer holds no secret.")
                : new FetchedSecret(secret.Fields) { Version = Text(root, "VersionId") };
        }
        catch (JsonException)
        {
            throw new SecretSourceException(SecretFailure.Invalid, $"{name}: the answer is not JSON.");
        }
    }

    private static SecretSourceException Refusal(string name, HttpResponseMessage reply, byte[] answer)
    {
        var (type, message) = Error(answer);
        var reason = type switch
        {
            "ResourceNotFoundException" => SecretFailure.NotFound,
            "AccessDeniedException"
            or "DecryptionFailure"
            or "ExpiredTokenException"
            or "IncompleteSignature"
            or "InvalidClientTokenId"
            or "InvalidSignatureException"
            or "MissingAuthenticationToken"
            or "NotAuthorized"
            or "OptInRequired"
            or "RequestExpired"
            or "UnrecognizedClientException" => SecretFailure.Denied,
            "ThrottlingException" or "LimitExceededException" => SecretFailure.Throttled,
            _ when reply.StatusCode == HttpStatusCode.TooManyRequests => SecretFailure.Throttled,
            _ when (int)reply.StatusCode >= 500 => SecretFailure.Unreachable,
            _ => SecretFailure.Invalid,
        };
        return new SecretSourceException(reason, $"{name}: {(int)reply.StatusCode} {type} {message}".TrimEnd())
        {
            RetryAfter = reply.Headers.RetryAfter?.Delta,
        };
    }

    /// <summary>The error as AWS's JSON protocol spells it; its type can come behind a namespace and a #.</summary>
    private static (string Type, string Message) Error(byte[] answer)
    {
        try
        {
            var root = JsonElement.Parse(answer);
            var type = Text(root, "__type") ?? "";
            return (type[(type.LastIndexOf('#') + 1)..], Text(root, "Message") ?? Text(root, "message") ?? "");
        }
        catch (JsonException)
        {
            return ("", "");
        }
    }

    private static string? Text(JsonElement root, string member) =>
        root.ValueKind == JsonValueKind.Object
        && root.TryGetProperty(member, out var value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
