using System.Collections.Concurrent;
using System.Text.Json;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Security.KeyVault.Secrets;
using Mayfly.Client.Azure;
using Mayfly.Client.Secrets;
using Mayfly.Tests.Contracts;
using Microsoft.AspNetCore.Http;

namespace Mayfly.Tests.Client.Secrets.Sources;

/// <summary>
/// Microsoft's own client over a stand-in, since no real Key Vault can be had: it asks for a token as Key Vault does, and answers
/// in its documented form.
/// </summary>
public sealed class AzureKeyVaultSourceTests : SecretSourceContract
{
    private readonly ConcurrentDictionary<string, (string Text, int Version)> _stored = new(StringComparer.Ordinal);
    private readonly ManualTime _time = new();
    private StandIn _server = null!;
    private HttpClient _http = null!;
    private AzureKeyVaultSource _source = null!;
    private int? _failure;
    private DateTimeOffset? _expires;

    protected override ISecretSource Source => _source;

    // What Key Vault itself allows.
    protected override int LargestValue => 25_000;

    public override async ValueTask InitializeAsync()
    {
        _server = await StandIn.StartAsync(AnswerAsync, tls: true);
        _http = _server.Http();
        var options = new SecretClientOptions
        {
            Transport = new HttpClientTransport(_http),
            DisableChallengeResourceVerification = true,
        };
        options.Retry.MaxRetries = 0;
        _source = new AzureKeyVaultSource(new SecretClient(_server.Address, new FixedToken(), options), _time);
    }

    public override async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task A_secret_with_an_expiry_date_is_good_until_then()
    {
        _stored["app"] = ("hunter2", 1);
        _expires = _time.GetUtcNow() + TimeSpan.FromMinutes(2);
        var fetched = await Source.FetchAsync("app", Cancellation);
        Assert.Equal("hunter2", fetched.Fields.GetProperty("value").GetString());
        Assert.Equal(TimeSpan.FromMinutes(2), fetched.Ttl);
        Assert.Equal("version-1", fetched.Version);
    }

    [Theory]
    [InlineData(403, SecretFailure.Denied)]
    [InlineData(429, SecretFailure.Throttled)]
    [InlineData(503, SecretFailure.Unreachable)]
    public async Task Errors_are_told_by_their_status(int status, SecretFailure reason)
    {
        _failure = status;
        var failure = await Assert.ThrowsAsync<SecretSourceException>(() => Source.FetchAsync("app", Cancellation));
        Assert.Equal(reason, failure.Reason);
    }

    [Fact]
    public async Task A_name_that_is_none_is_invalid()
    {
        var failure = await Assert.ThrowsAsync<SecretSourceException>(() => Source.FetchAsync("", Cancellation));
        Assert.Equal(SecretFailure.Invalid, failure.Reason);
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

    private async Task AnswerAsync(HttpContext context)
    {
        var response = context.Response;
        if (context.Request.Headers.Authorization != "Bearer token-of-the-test")
        {
            response.StatusCode = 401;
            response.Headers.WWWAuthenticate =
                "Bearer authorization=\"https://login.windows.net/00000000-0000-0000-0000-000000000000\", resource=\"https://vault.azure.net\"";
            return;
        }

        var name = context.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries)[1];
        if (_failure is { } status)
        {
            response.StatusCode = status;
            await response.WriteAsync("""{"error":{"code":"Refused","message":"so it is"}}""");
        }
        else if (_stored.TryGetValue(name, out var stored))
        {
            var id = $"{_server.Address}secrets/{name}/version-{stored.Version}";
            response.ContentType = "application/json";
            await response.WriteAsync(
                JsonSerializer.Serialize(
                    new
                    {
                        value = stored.Text,
                        id,
                        attributes = new { enabled = true, exp = _expires?.ToUnixTimeSeconds() },
                    }
                )
            );
        }
        else
        {
            response.StatusCode = 404;
            await response.WriteAsync("""{"error":{"code":"SecretNotFound","message":"no such secret"}}""");
        }
    }

    private sealed class FixedToken : TokenCredential
    {
        private static readonly AccessToken Token = new("token-of-the-test", DateTimeOffset.MaxValue);

        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            Token;

        public override ValueTask<AccessToken> GetTokenAsync(
            TokenRequestContext requestContext,
            CancellationToken cancellationToken
        ) => new(Token);
    }
}
