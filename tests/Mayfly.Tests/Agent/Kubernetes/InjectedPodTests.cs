using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Mayfly.Agent.Kubernetes;
using static Mayfly.Tests.Agent.Kubernetes.Review;

namespace Mayfly.Tests.Agent.Kubernetes;

/// <summary>What the patch puts into a pod, run: the real agent with exactly that configuration, against a real server.</summary>
public sealed class InjectedPodTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_native_sidecar_renders_before_the_program_starts_and_keeps_the_file_fresh()
    {
        await using var server = await ServerProcess.StartDevAsync();
        using var client = await PrepareAsync(server);
        await using var front = await KubernetesLoginFront.StartAsync(server.Address);
        var container = Container(
            Injected(
                Ours(
                    ("service", front.Address),
                    ("secret-volume-path", "/mnt/secrets"),
                    ("agent-inject-secret-db", "secret/data/shop/db"),
                    ("template-static-secret-render-interval", "1s"),
                    ("agent-inject-token", "true"),
                    ("agent-revoke-on-shutdown", "true"),
                    ("agent-revoke-grace", "0")
                )
            ),
            "mayfly-agent"
        );
        await using var pod = PodProcess.Start(container, KubernetesLoginFront.ServiceAccountToken);

        var probe = Texts(container["startupProbe"]!["exec"]!["command"]);
        await UntilAsync(pod, async () => (await pod.ExecAsync(probe)).Code == 0);
        Assert.Equal("password: first\nusername: app\n", await CatAsync(pod, "/mnt/secrets/db"));
        Assert.Equal((0, "644\n"), await pod.ExecAsync("stat", "-c", "%a", "/mnt/secrets/db"));
        var token = (await CatAsync(pod, "/mnt/secrets/token")).Trim();
        Assert.Equal(200, await LookupAsync(client, token));
        Assert.Equal(1, front.Logins);

        await PutAsync(client, "second");
        await UntilAsync(
            pod,
            async () => await CatAsync(pod, "/mnt/secrets/db") == "password: second\nusername: app\n"
        );

        var hook = await pod.ExecAsync(Texts(container["lifecycle"]!["preStop"]!["exec"]!["command"]));
        Assert.True(hook.Code == 0, hook.Output);
        Assert.Equal(403, await LookupAsync(client, token));
        Assert.Equal(0, await pod.StopAsync());
        Assert.DoesNotContain("first", pod.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(token, pod.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_init_container_of_vaults_annotations_renders_once_and_ends()
    {
        await using var server = await ServerProcess.StartDevAsync();
        using var client = await PrepareAsync(server);
        await using var front = await KubernetesLoginFront.StartAsync(server.Address);
        var container = Container(
            Injected(
                Vaults(
                    ("service", front.Address),
                    ("secret-volume-path", "/mnt/secrets"),
                    (
                        "agent-inject-template-db.env",
                        "{{- with secret \"secret/data/shop/db\" -}}\nDB={{ .Data.data.username }}:{{ .Data.data.password }}\n{{- end }}\n"
                    ),
                    ("agent-inject-secret-all", "secret/data/shop/db"),
                    ("agent-inject-default-template", "json"),
                    ("agent-inject-perms-all", "0600")
                )
            ),
            "vault-agent-init"
        );
        await using var pod = PodProcess.Start(
            container,
            KubernetesLoginFront.ServiceAccountToken,
            "cat /mnt/secrets/db.env /mnt/secrets/all; stat -c %a /mnt/secrets/all /home/vault/.vault-token"
        );
        Assert.True(await pod.EndAsync() == 0, pod.Output);
        Assert.Contains("DB=app:first\n", pod.Output, StringComparison.Ordinal);
        Assert.Contains("\"data\":{\"password\":\"first\",\"username\":\"app\"}", pod.Output, StringComparison.Ordinal);
        Assert.EndsWith("600\n600\n", pod.Output.TrimEnd() + "\n", StringComparison.Ordinal);
    }

    [Fact]
    public async Task AppRole_logs_in_where_the_server_knows_no_kubernetes()
    {
        await using var server = await ServerProcess.StartDevAsync();
        using var client = await PrepareAsync(server);
        using var folder = new TemporaryFolder();
        await PostAsync(client, "sys/auth/approle", """{"type":"approle"}""");
        await PostAsync(client, "auth/approle/role/web", """{"token_policies":["web"]}""");
        using var role = await client.GetAsync(
            new Uri("auth/approle/role/web/role-id", UriKind.Relative),
            Cancellation
        );
        var roleId = (await role.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!["data"]!["role_id"]!;
        var secretId = (await PostAsync(client, "auth/approle/role/web/secret-id", "{}"))["data"]!["secret_id"]!;
        await File.WriteAllTextAsync(folder.File("role-id"), roleId.GetValue<string>(), Cancellation);
        await File.WriteAllTextAsync(folder.File("secret-id"), secretId.GetValue<string>(), Cancellation);
        var container = Container(
            Injected(
                Pod(
                    ("mayfly.dev/agent-inject", "true"),
                    ("mayfly.dev/agent-pre-populate-only", "true"),
                    ("mayfly.dev/service", server.Address),
                    ("mayfly.dev/auth-type", "approle"),
                    ("mayfly.dev/auth-path", "auth/approle"),
                    ("mayfly.dev/auth-config-role-id-file-path", folder.File("role-id")),
                    ("mayfly.dev/auth-config-secret-id-file-path", folder.File("secret-id")),
                    ("mayfly.dev/auth-config-remove-secret-id-file-after-reading", "false"),
                    ("mayfly.dev/secret-volume-path", "/mnt/secrets"),
                    ("mayfly.dev/agent-inject-secret-db", "secret/data/shop/db")
                )
            ),
            "mayfly-agent-init"
        );
        await using var pod = PodProcess.Start(container, "", "cat /mnt/secrets/db");
        Assert.True(await pod.EndAsync() == 0, pod.Output);
        Assert.Contains("password: first\nusername: app\n", pod.Output, StringComparison.Ordinal);
    }

    private static async Task<HttpClient> PrepareAsync(ServerProcess server)
    {
        var client = new HttpClient { BaseAddress = new Uri(server.Address + "/v1/") };
        client.DefaultRequestHeaders.Add("X-Vault-Token", ServerProcess.DevToken);
        await PutAsync(client, "first");
        await PostAsync(
            client,
            "sys/policies/acl/web",
            """{"policy":"path \"secret/data/shop/*\" { capabilities = [\"read\"] }"}"""
        );
        return client;
    }

    private static Task<JsonNode> PutAsync(HttpClient client, string password) =>
        PostAsync(client, "secret/data/shop/db", $$$"""{"data":{"username":"app","password":"{{{password}}}"}}""");

    private static async Task<JsonNode> PostAsync(HttpClient client, string path, string body)
    {
        using var content = new StringContent(body);
        using var response = await client.PostAsync(new Uri(path, UriKind.Relative), content, Cancellation);
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.IsSuccessStatusCode, text);
        return text.Length == 0 ? new JsonObject() : JsonNode.Parse(text)!;
    }

    private static async Task<int> LookupAsync(HttpClient client, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "auth/token/lookup-self");
        request.Headers.Add("X-Vault-Token", token);
        using var own = new HttpClient { BaseAddress = client.BaseAddress };
        using var response = await own.SendAsync(request, Cancellation);
        return (int)response.StatusCode;
    }

    private static async Task<string> CatAsync(PodProcess pod, string path)
    {
        var (code, output) = await pod.ExecAsync("cat", path);
        Assert.True(code == 0, output);
        return output;
    }

    private static Task UntilAsync(PodProcess pod, Func<Task<bool>> holds) =>
        InjectorTests.EventuallyAsync(() =>
        {
            Assert.False(pod.HasEnded, pod.Output);
            return holds();
        });
}
