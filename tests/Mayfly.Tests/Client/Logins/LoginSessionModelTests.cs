using System.Globalization;
using System.Net;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Client;
using Mayfly.Client.Logins;

namespace Mayfly.Tests.Client.Logins;

/// <summary>Random sequences of requests, faults and waits: what holds in each, and that the session recovers from all of them.</summary>
public sealed class LoginSessionModelTests
{
    private const int Lifetime = 60;

    [Fact]
    public void Every_sequence_of_faults_keeps_what_a_session_promises_and_is_recovered_from()
    {
        var step =
            from what in Gen.Choose(0, 8)
            from seconds in Gen.Choose(1, 50)
            select (What: what, Seconds: seconds);
        Prop.ForAll(Arb.From(Gen.ListOf(step, 25)), RunAsync)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(25).WithQuietOnSuccess(true));
    }

    private static async Task RunAsync(IEnumerable<(int What, int Seconds)> steps)
    {
        var time = new ManualTime();
        using var server = new World(time);
        using var http = new HttpClient(server);
        using var bare = new MayflyClient(
            new MayflyClientOptions
            {
                HttpClient = () => http,
                Time = time,
                Timeout = Timeout.InfiniteTimeSpan,
                MaxRetries = 0,
            }
        );
        await using var session = new LoginSession(bare, server);
        using var client = new MayflyClient(
            new MayflyClientOptions
            {
                HttpClient = () => http,
                Time = time,
                Timeout = Timeout.InfiniteTimeSpan,
                MaxRetries = 0,
            },
            session
        );
        foreach (var (what, seconds) in steps)
        {
            switch (what)
            {
                case 0:
                    server.LoginFault = HttpStatusCode.ServiceUnavailable;
                    break;
                case 1:
                    server.LoginFault = HttpStatusCode.BadRequest;
                    break;
                case 2:
                    server.RenewalFault = HttpStatusCode.ServiceUnavailable;
                    break;
                case 3:
                    server.RenewalFault = HttpStatusCode.Forbidden;
                    break;
                case 4:
                    server.RevokeAll();
                    break;
                case 5:
                    server.IsUnreachable = true;
                    break;
                case 6:
                    server.Mend();
                    break;
                default:
                    await PassAsync(time, seconds);
                    break;
            }

            await AskAsync(client, server);
        }

        server.Mend();
        // The longest wait is a minute; that between two look-ups after a 403 is less here, as every new token helps.
        await PassAsync(time, 75);
        Assert.True(await AskAsync(client, server), "it has not recovered");

        // And is at peace: nothing but renewals, and a login when the token's maximum is near.
        var logins = server.Logins;
        await PassAsync(time, 200);
        Assert.InRange(server.Logins - logins, 0, 2);
        Assert.True(await AskAsync(client, server));
        Assert.False(server.HaveOverlapped, "two logins at once");
    }

    /// <summary>One request. True when it was answered; a failure is one that the session's promises allow.</summary>
    private static async Task<bool> AskAsync(MayflyClient client, World server)
    {
        var isMended = server.IsMended;
        try
        {
            var response = await client.ReadAsync("x", TestContext.Current.CancellationToken);
            Assert.Equal(200, response.Status);
            return true;
        }
        catch (LoginException failure)
        {
            Assert.InRange(failure.RetryAfter, TimeSpan.Zero, TimeSpan.FromMinutes(1));
            return false;
        }
        catch (MayflyConnectionException)
        {
            Assert.False(isMended);
            return false;
        }
        catch (Xunit.Sdk.XunitException) when (server.IsUnreachable)
        {
            return false;
        }
    }

    private static async Task PassAsync(ManualTime time, int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            // What has come due runs on other threads, and waits for nothing but this process.
            await Task.Delay(1);
        }
    }

    /// <summary>A server with tokens that live for a minute and can be renewed up to three, and the faults of the test.</summary>
    private sealed class World(ManualTime time) : HttpMessageHandler, ILoginMethod
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<string, (DateTimeOffset Made, DateTimeOffset Ends)> _tokens = [];
        private int _busy;

        public HttpStatusCode? LoginFault { get; set; }

        public HttpStatusCode? RenewalFault { get; set; }

        public bool IsUnreachable { get; set; }

        public int Logins { get; private set; }

        public bool HaveOverlapped { get; private set; }

        public bool IsMended => LoginFault is null && RenewalFault is null && !IsUnreachable;

        public void Mend() => (LoginFault, RenewalFault, IsUnreachable) = (null, null, false);

        public void RevokeAll()
        {
            lock (_gate)
            {
                _tokens.Clear();
            }
        }

        public async Task<Login> LoginAsync(MayflyClient client, CancellationToken cancellationToken)
        {
            HaveOverlapped |= Interlocked.Increment(ref _busy) > 1;
            try
            {
                var request = new MayflyRequest(HttpMethod.Post, "auth/test/login");
                return Login.Read(await client.SendAsync(request, cancellationToken));
            }
            finally
            {
                Interlocked.Decrement(ref _busy);
            }
        }

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        )
        {
            await Task.Yield();
            lock (_gate)
            {
                var token = request.Headers.TryGetValues("X-Vault-Token", out var values) ? values.Single() : "";
                return IsUnreachable
                    ? throw new HttpRequestException(HttpRequestError.ConnectionError, "Connection refused")
                    : Answer(request.RequestUri!.AbsolutePath, token);
            }
        }

        private HttpResponseMessage Answer(string path, string token)
        {
            var now = time.GetUtcNow();
            if (path == "/v1/auth/test/login")
            {
                Logins++;
                if (LoginFault is { } fault)
                {
                    return new HttpResponseMessage(fault);
                }

                var made = "t" + Logins.ToString(CultureInfo.InvariantCulture);
                _tokens[made] = (now, now.AddSeconds(Lifetime));
                return Auth(made, Lifetime);
            }

            if (!_tokens.TryGetValue(token, out var lives) || lives.Ends <= now)
            {
                return new HttpResponseMessage(HttpStatusCode.Forbidden);
            }

            if (path == "/v1/auth/token/renew-self")
            {
                if (RenewalFault is { } fault)
                {
                    return new HttpResponseMessage(fault);
                }

                var left = Math.Min(Lifetime, (int)(lives.Made.AddSeconds(3 * Lifetime) - now).TotalSeconds);
                _tokens[token] = (lives.Made, now.AddSeconds(left));
                return Auth(token, left);
            }

            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("{\"data\":{}}") };
        }

        private static HttpResponseMessage Auth(string token, int seconds) =>
            new(HttpStatusCode.OK)
            {
                Content = new StringContent(
                    $$$"""{"auth":{"client_token":"{{{token}}}","lease_duration":{{{seconds}}},"renewable":true}}""",
                    Encoding.UTF8,
                    "application/json"
                ),
            };
    }
}
