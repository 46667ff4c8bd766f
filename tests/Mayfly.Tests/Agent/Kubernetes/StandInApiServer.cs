using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mayfly.Agent.Kubernetes;
using Mayfly.Agent.Kubernetes.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Mayfly.Tests.Agent.Kubernetes;

/// <summary>
/// As much of Kubernetes' API server as the injector calls: secrets and a webhook configuration, with versions that make writes
/// of what has changed fail.
/// </summary>
internal sealed class StandInApiServer : IAsyncDisposable
{
    private const string Token = "token-of-the-service-account";

    private readonly Lock _gate = new();
    private readonly WebApplication _application;
    private readonly TemporaryFolder _folder = new();
    private int _version;

    private StandInApiServer(WebApplication application) => _application = application;

    public JsonObject? Secret { get; set; }

    public JsonObject Webhook { get; private set; } =
        new()
        {
            ["kind"] = "MutatingWebhookConfiguration",
            ["metadata"] = new JsonObject { ["name"] = "mayfly-injector" },
            ["webhooks"] = new JsonArray(
                new JsonObject { ["name"] = "a", ["clientConfig"] = new JsonObject() },
                new JsonObject
                {
                    ["name"] = "b",
                    ["clientConfig"] = new JsonObject { ["caBundle"] = "Cg==" },
                }
            ),
        };

    public List<string> Requests { get; } = [];

    public ApiServerAccess Access { get; private set; } = null!;

    public string? Bundle(int index) => Webhook["webhooks"]![index]!["clientConfig"]!["caBundle"]?.GetValue<string>();

    public string Stored(string name)
    {
        lock (_gate)
        {
            return Encoding.UTF8.GetString(Convert.FromBase64String(Secret!["data"]![name]!.GetValue<string>()));
        }
    }

    public static async Task<StandInApiServer> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var application = builder.Build();
        var server = new StandInApiServer(application);
        application.Run(server.AnswerAsync);
        await application.StartAsync(TestContext.Current.CancellationToken);
        var address = application
            .Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!
            .Addresses.First();
        await File.WriteAllTextAsync(server._folder.File("token"), Token + "\n");
        server.Access = new ApiServerAccess(new Uri(address + "/"), server._folder.File("token"), null, "mayfly");
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _folder.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var given = body.Length == 0 ? null : JsonNode.Parse(body.ToArray());
        var (status, answer) =
            context.Request.Headers.Authorization == $"Bearer {Token}"
                ? Answer(context.Request, given)
                : (401, Failure("Unauthorized"));
        context.Response.StatusCode = status;
        await context.Response.WriteAsync(answer.ToJsonString(), context.RequestAborted);
    }

    private (int Status, JsonObject Body) Answer(HttpRequest request, JsonNode? given)
    {
        const string secrets = "/api/v1/namespaces/mayfly/secrets";
        const string webhook = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/mayfly-injector";
        lock (_gate)
        {
            Requests.Add($"{request.Method} {request.Path}");
            switch (request.Method, request.Path.Value)
            {
                case ("GET", secrets + "/mayfly-injector-certs"):
                    return Secret is null ? (404, Failure("not found")) : (200, Secret);
                case ("POST", secrets):
                    return Secret is null ? (201, Store(given!)) : (409, Failure("already exists"));
                case ("PUT", secrets + "/mayfly-injector-certs"):
                    return Version(Secret) == Version(given) ? (200, Store(given!)) : (409, Failure("has changed"));
                case ("GET", webhook):
                    return (200, Webhook);
                case ("PATCH", webhook):
                    Assert.Equal("application/json-patch+json", request.ContentType);
                    Webhook = JsonPatch.Apply(Webhook, given!.AsArray())!.AsObject();
                    return (200, Webhook);
                default:
                    return (403, Failure("forbidden"));
            }
        }
    }

    private JsonObject Store(JsonNode given)
    {
        Secret = given.DeepClone().AsObject();
        Secret["metadata"]!["resourceVersion"] = (++_version).ToString();
        return Secret;
    }

    private static string? Version(JsonNode? secret) => secret?["metadata"]?["resourceVersion"]?.GetValue<string>();

    private static JsonObject Failure(string message) => new() { ["kind"] = "Status", ["message"] = message };
}
