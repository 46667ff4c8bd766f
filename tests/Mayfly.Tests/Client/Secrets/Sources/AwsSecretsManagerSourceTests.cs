using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Amazon.Runtime;
using Mayfly.Client.Aws;
using Mayfly.Client.Secrets;
using Mayfly.Tests.Contracts;
using Microsoft.AspNetCore.Http;

namespace Mayfly.Tests.Client.Secrets.Sources;

/// <summary>
/// Over a stand-in, since no real Secrets Manager can be had: it speaks the wire of AWS's service model, and refuses what is
/// not signed as it would sign it itself.
/// </summary>
public sealed class AwsSecretsManagerSourceTests : SecretSourceContract
{
    private const string AccessKey = "AKIDEXAMPLE";
    private const string SecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    private readonly ConcurrentDictionary<string, (string Text, int Version)> _stored = new(StringComparer.Ordinal);
    private readonly ManualTime _time = new(new DateTimeOffset(2015, 8, 30, 12, 36, 0, TimeSpan.Zero));
    private StandIn _server = null!;
    private AwsSecretsManagerSource _source = null!;
    private (int Status, string Body)? _failure;

    protected override ISecretSource Source => _source;

    // What Secrets Manager itself allows.
    protected override int LargestValue => 65_536 - 16;

    public override async ValueTask InitializeAsync()
    {
        _server = await StandIn.StartAsync(AnswerAsync);
        _source = Open(new SessionAWSCredentials(AccessKey, SecretKey, "a-session"));
    }

    public override async ValueTask DisposeAsync()
    {
        _source.Dispose();
        await _server.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <summary>The examples of AWS's documentation: the plain one of the signing page, and "get-vanilla" and "post-vanilla".</summary>
    [Theory]
    [InlineData("GET", "service", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    [InlineData("POST", "service", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")]
    public void Signatures_are_those_of_the_published_examples(string method, string service, string signature)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "https://example.amazonaws.com/");
        SignatureVersion4.Sign(
            request,
            [],
            new ImmutableCredentials(AccessKey, SecretKey, null),
            "us-east-1",
            service,
            _time.GetUtcNow()
        );
        Assert.Equal(
            $"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request, "
                + $"SignedHeaders=host;x-amz-date, Signature={signature}",
            Assert.Single(request.Headers.GetValues("Authorization"))
        );
    }

    [Fact]
    public async Task The_example_of_the_service_model_is_read()
    {
        // "To retrieve the encrypted secret value of a secret", with its version as the service gives it.
        _stored["MyTestDatabaseSecret"] = ("{\n  \"username\":\"david\",\n  \"password\":\"EXAMPLE-PASSWORD\"\n}\n", 1);
        var fetched = await Source.FetchAsync("MyTestDatabaseSecret", Cancellation);
        Assert.Equal("david", fetched.Fields.GetProperty("username").GetString());
        Assert.Equal("EXAMPLE1-90ab-cdef-fedc-ba987SECRET1", fetched.Version);
    }

    [Fact]
    public async Task A_text_is_the_field_value()
    {
        _stored["plain"] = ("hunter2", 1);
        var fetched = await Source.FetchAsync("plain", Cancellation);
        Assert.Equal("hunter2", fetched.Fields.GetProperty("value").GetString());
    }

    [Fact]
    public async Task Wrong_credentials_are_denied()
    {
        _stored["app"] = ("hunter2", 1);
        using var source = Open(new BasicAWSCredentials(AccessKey, "another"));
        var failure = await Assert.ThrowsAsync<SecretSourceException>(() => source.FetchAsync("app", Cancellation));
        Assert.Equal(SecretFailure.Denied, failure.Reason);
        Assert.DoesNotContain("another", failure.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400, "com.amazonaws.secretsmanager#ThrottlingException", SecretFailure.Throttled)]
    [InlineData(400, "DecryptionFailure", SecretFailure.Denied)]
    [InlineData(400, "InvalidParameterException", SecretFailure.Invalid)]
    [InlineData(500, "InternalServiceError", SecretFailure.Unreachable)]
    public async Task Errors_are_told_by_their_type(int status, string type, SecretFailure reason)
    {
        _failure = (status, $$"""{"__type":"{{type}}","Message":"so it is"}""");
        var failure = await Assert.ThrowsAsync<SecretSourceException>(() => Source.FetchAsync("app", Cancellation));
        Assert.Equal(reason, failure.Reason);
        Assert.Contains("so it is", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_that_is_away_is_unreachable()
    {
        await _server.DisposeAsync();
        var failure = await Assert.ThrowsAsync<SecretSourceException>(() => Source.FetchAsync("app", Cancellation));
        Assert.Equal(SecretFailure.Unreachable, failure.Reason);
    }

    protected override Task PutAsync(string name, Dictionary<string, string> fields)
    {
        _stored.AddOrUpdate(
            name,
            (JsonSerializer.Serialize(fields), 1),
            (_, old) => (JsonSerializer.Serialize(fields), old.Version + 1)
        );
        return Task.CompletedTask;
    }

    private AwsSecretsManagerSource Open(AWSCredentials credentials) =>
        new(
            new AwsSecretsManagerSourceOptions
            {
                Region = "us-east-1",
                Endpoint = _server.Address,
                Credentials = credentials,
                Time = _time,
            }
        );

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        var (status, answer) = _failure ?? Answer(context.Request, body);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/x-amz-json-1.1";
        await context.Response.WriteAsync(answer, context.RequestAborted);
    }

    private (int Status, string Body) Answer(HttpRequest request, string body)
    {
        if (!IsSigned(request, body))
        {
            return (
                400,
                """{"__type":"InvalidSignatureException","message":"The request signature does not match."}"""
            );
        }

        Assert.Equal("POST", request.Method);
        Assert.Equal("secretsmanager.GetSecretValue", request.Headers["X-Amz-Target"]);
        Assert.Equal("application/x-amz-json-1.1", request.ContentType);
        var asked = JsonElement.Parse(body);
        Assert.Equal("AWSCURRENT", asked.GetProperty("VersionStage").GetString());
        var name = asked.GetProperty("SecretId").GetString()!;
        return _stored.TryGetValue(name, out var stored)
            ? (
                200,
                JsonSerializer.Serialize(
                    new
                    {
                        ARN = "arn:aws:secretsmanager:us-west-2:123456789012:secret:" + name,
                        CreatedDate = 1523477145.713,
                        Name = name,
                        SecretString = stored.Text,
                        VersionId = $"EXAMPLE{stored.Version}-90ab-cdef-fedc-ba987SECRET1",
                        VersionStages = new[] { "AWSCURRENT" },
                    }
                )
            )
            : (
                400,
                """{"__type":"ResourceNotFoundException","Message":"Secrets Manager can't find the specified secret."}"""
            );
    }

    /// <summary>Signs what came as a client with the right key would.</summary>
    private bool IsSigned(HttpRequest request, string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        using var again = new HttpRequestMessage(HttpMethod.Post, _server.Address)
        {
            Content = new ByteArrayContent(bytes)
            {
                Headers = { ContentType = MediaTypeHeaderValue.Parse(request.ContentType!) },
            },
        };
        again.Headers.TryAddWithoutValidation("X-Amz-Target", request.Headers["X-Amz-Target"].ToString());
        var at = DateTimeOffset.ParseExact(
            request.Headers["X-Amz-Date"].ToString(),
            "yyyyMMdd'T'HHmmss'Z'",
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal
        );
        var token = request.Headers["X-Amz-Security-Token"].ToString();
        SignatureVersion4.Sign(
            again,
            bytes,
            new ImmutableCredentials(AccessKey, SecretKey, token.Length > 0 ? token : null),
            "us-east-1",
            "secretsmanager",
            at
        );
        return request.Headers.Authorization == Assert.Single(again.Headers.GetValues("Authorization"));
    }
}
