using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Mayfly.Tests.Agent.Kubernetes;

/// <summary>
/// Stands before a real server and answers auth/kubernetes/login for it: a service account's token that it knows is given a token
/// of the server. Everything else is passed on.
/// </summary>
internal sealed class KubernetesLoginFront : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly HttpClient _server;
    private int _logins;

    private KubernetesLoginFront(WebApplication application, string server)
    {
        _application = application;
        _server = new HttpClient { BaseAddress = new Uri(server) };
    }

    public const string ServiceAccountToken = "eyJhbGciOiJSUzI1NiJ9.of-the-service-account.signature";

    public string Address =>
        _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    public int Logins => Volatile.Read(ref _logins);

    public static async Task<KubernetesLoginFront> StartAsync(string server)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var application = builder.Build();
        var front = new KubernetesLoginFront(application, server);
        application.Run(front.AnswerAsync);
        await application.StartAsync(TestContext.Current.CancellationToken);
        return front;
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _server.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var given = new MemoryStream();
        await context.Request.Body.CopyToAsync(given, context.RequestAborted);
        using var request = new HttpRequestMessage(
            new HttpMethod(context.Request.Method),
            context.Request.Path + context.Request.QueryString
        )
        {
            Content = new ByteArrayContent(given.ToArray()),
        };
        if (context.Request.Path == "/v1/auth/kubernetes/login")
        {
            var login = JsonNode.Parse(given.ToArray())!;
            Assert.Equal("web", login["role"]!.GetValue<string>());
            Assert.Equal(ServiceAccountToken, login["jwt"]!.GetValue<string>());
            Interlocked.Increment(ref _logins);
            // What a login gives is what making a token gives: its auth.
            request.RequestUri = new Uri("/v1/auth/token/create", UriKind.Relative);
            request.Method = HttpMethod.Post;
            request.Headers.Add("X-Vault-Token", ServerProcess.DevToken);
            request.Content = new StringContent("""{"policies":["default","web"],"ttl":"1h"}""");
        }
        else
        {
            foreach (var (name, value) in context.Request.Headers)
            {
                if (name.StartsWith("X-", StringComparison.OrdinalIgnoreCase))
                {
                    request.Headers.TryAddWithoutValidation(name, value.ToArray());
                }
            }
        }

        using var response = await _server.SendAsync(
            request,
            HttpCompletionOption.ResponseHeadersRead,
            context.RequestAborted
        );
        context.Response.StatusCode = (int)response.StatusCode;
        context.Response.ContentType = response.Content.Headers.ContentType?.ToString();
        await response.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}
