using System.Text;
using System.Text.Json;
using Amazon.Runtime;
using Mayfly.Client.Aws;
using Mayfly.Client.Secrets;

namespace Mayfly.Compat.Tests;

/// <summary>No Secrets Manager can be had here, but the library that most programs sign their requests to it with can.</summary>
public sealed class AwsSignatureTests
{
    private const int Requests = 2_000;

    private static readonly string[] Endpoints =
    [
        "https://secretsmanager.us-east-1.amazonaws.com/",
        "https://secretsmanager.cn-north-1.amazonaws.com.cn",
        "https://vpce-0abc.secretsmanager.eu-central-1.vpce.amazonaws.com:443/",
        "http://localhost:4566/",
        "http://127.0.0.1:80/",
        "http://[::1]:8443/",
        "https://gateway.example:8443/aws/secrets manager/~me/a%2Fb/",
        "https://gateway.example/plus+and:colon@sign=x/ü",
    ];

    private static readonly string[] Regions = ["us-east-1", "cn-north-1", "eu-central-1", "us-gov-west-1", "local"];

    private static readonly string[] Names =
    [
        "app",
        "team/database",
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-a1B2c3",
        "with space and \"quotes\"",
        "ключ-鍵-🔑",
        new('x', 512),
    ];

    [Fact]
    public async Task Requests_are_signed_as_boto_signs_them()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var sent = new Sent();
        using var http = new HttpMessageInvoker(sent);
        var asked = new StringBuilder();
        var signatures = new List<string>();
        for (var i = 0; i < Requests; i++)
        {
            var credentials = Credentials(i);
            using var source = new AwsSecretsManagerSource(
                new AwsSecretsManagerSourceOptions
                {
                    Region = Of(Regions, i),
                    Endpoint = new Uri(Of(Endpoints, i / 5)),
                    Credentials = credentials,
                    VersionStage = i % 3 == 0 ? "AWSPREVIOUS" : "AWSCURRENT",
                    Http = http,
                    Time = new At(DateTimeOffset.UnixEpoch.AddSeconds(1_234_567.0 * i)),
                }
            );
            await Assert.ThrowsAsync<SecretSourceException>(() => source.FetchAsync(Of(Names, i / 7), cancellation));
            var key = await credentials.GetCredentialsAsync();
            signatures.Add(sent.Headers["Authorization"]);
            sent.Headers.Remove("Authorization");
            asked.AppendLine(
                JsonSerializer.Serialize(
                    new
                    {
                        method = "POST",
                        url = sent.Address,
                        headers = sent.Headers,
                        body = sent.Body,
                        accessKey = key.AccessKey,
                        secretKey = key.SecretKey,
                        token = key.UseToken ? key.Token : null,
                        region = Of(Regions, i),
                    }
                )
            );
        }

        var run = await ForeignProgram.RunAsync(
            ForeignProgram.Python,
            ["-W", "ignore", ForeignProgram.Script("botocore_sign.py")],
            input: asked.ToString()
        );

        var expected = run.Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Requests, expected.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(expected, signatures);
    }

    private static string Of(string[] all, int i) => all[i % all.Length];

    private static AWSCredentials Credentials(int i)
    {
        var (access, secret) = ($"AKID{i:D16}", Convert.ToBase64String(BitConverter.GetBytes(i * 0x1E3779B97F4A7C15L)));
        return i % 2 == 0
            ? new BasicAWSCredentials(access, secret + "/+=")
            : new SessionAWSCredentials(access, secret, $"FwoGZXIvYXdzE{secret}//+=={i}");
    }

    private sealed class At(DateTimeOffset moment) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => moment;
    }

    /// <summary>What would be sent. Nothing answers.</summary>
    private sealed class Sent : HttpMessageHandler
    {
        public string Address { get; private set; } = "";

        public string Body { get; private set; } = "";

        public Dictionary<string, string> Headers { get; private set; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        )
        {
            Address = request.RequestUri!.AbsoluteUri;
            Body = await request.Content!.ReadAsStringAsync(cancellationToken);
            Headers = request
                .Headers.NonValidated.Concat(request.Content.Headers.NonValidated)
                .Where(header => header.Key != "Content-Length")
                .ToDictionary(
                    header => header.Key,
                    header => header.Value.ToString(),
                    StringComparer.OrdinalIgnoreCase
                );
            throw new HttpRequestException("nobody is there");
        }
    }
}
