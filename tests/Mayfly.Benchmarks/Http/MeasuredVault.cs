using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;

namespace Mayfly.Benchmarks.Http;

/// <summary>A real <c>mayflyd</c> of the Release build, unsealed and furnished for the measurements.</summary>
internal sealed class MeasuredVault : IAsyncDisposable
{
    private MeasuredVault(Child child, string rootToken, string unsealKey, string token)
    {
        Child = child;
        RootToken = rootToken;
        UnsealKey = unsealKey;
        Token = token;
    }

    public Child Child { get; }

    public string Address => Child.Address;

    public string RootToken { get; }

    public string UnsealKey { get; }

    /// <summary>An ordinary token: 20 policy rules, no root.</summary>
    public string Token { get; private set; }

    /// <summary>The path of the secret that is read: 1 KiB.</summary>
    public static string SecretPath => "/v1/secret/data/team/app";

    public static string Program =>
        Environment.GetEnvironmentVariable("MAYFLYD") ?? Path.Combine(Repository(), "artifacts", "bin", "mayflyd");

    public static async Task<MeasuredVault> StartAsync(
        string folder,
        bool audit,
        (string Certificate, string Key)? tls,
        CancellationToken cancellation
    )
    {
        Directory.CreateDirectory(folder);
        var port = Child.FreePort();
        var address = $"{(tls is null ? "http" : "https")}://127.0.0.1:{port}";
        var child = await Child.StartAsync(
            Program,
            [$"-config={await WriteConfigurationAsync(folder, port, tls, cancellation)}"],
            address,
            "/v1/sys/health",
            cancellation
        );
        using var http = Child.Http();
        var made = await CallAsync(
            http,
            HttpMethod.Put,
            address + "/v1/sys/init",
            "",
            new { secret_shares = 1, secret_threshold = 1 },
            cancellation
        );
        var root = made.GetProperty("root_token").GetString()!;
        var key = made.GetProperty("keys_base64")[0].GetString()!;
        await CallAsync(http, HttpMethod.Put, address + "/v1/sys/unseal", "", new { key }, cancellation);
        var vault = new MeasuredVault(child, root, key, root);
        await vault.FurnishAsync(http, audit ? Path.Combine(folder, "audit.log") : null, cancellation);
        return vault;
    }

    public static async Task<string> WriteConfigurationAsync(
        string folder,
        int port,
        (string Certificate, string Key)? tls,
        CancellationToken cancellation
    )
    {
        var listener = tls is { } files
            ? $"tls_cert_file = \"{files.Certificate}\"\n  tls_key_file = \"{files.Key}\""
            : "tls_disable = true";
        var configuration = $$"""
            storage "file" {
              path = "{{folder}}/data"
            }
            listener "tcp" {
              address = "127.0.0.1:{{port}}"
              {{listener}}
            }
            log_level = "warn"
            """;
        var file = Path.Combine(folder, "mayfly.hcl");
        await File.WriteAllTextAsync(file, configuration, cancellation);
        return file;
    }

    public async Task<JsonElement> CallAsync(
        HttpClient http,
        HttpMethod method,
        string path,
        object? body,
        CancellationToken cancellation
    ) => await CallAsync(http, method, Address + path, RootToken, body, cancellation);

    public ValueTask DisposeAsync() => Child.DisposeAsync();

    private async Task FurnishAsync(HttpClient http, string? auditFile, CancellationToken cancellation)
    {
        await CallAsync(
            http,
            HttpMethod.Post,
            "/v1/sys/mounts/secret",
            new { type = "kv", options = new { version = "2" } },
            cancellation
        );
        var value = new string('x', 1000);
        await CallAsync(http, HttpMethod.Post, SecretPath, new { data = new { value, user = "orders" } }, cancellation);
        if (auditFile is not null)
        {
            await CallAsync(
                http,
                HttpMethod.Put,
                "/v1/sys/audit/file",
                new { type = "file", options = new { file_path = auditFile } },
                cancellation
            );
        }

        var rules = string.Concat(
            Enumerable
                .Range(0, 19)
                .Select(i => $"path \"other{i}/data/+/x{i}/*\" {{ capabilities = [\"read\", \"list\"] }}\n")
        );
        rules += "path \"secret/data/*\" { capabilities = [\"create\", \"read\", \"update\"] }\n";
        await CallAsync(http, HttpMethod.Put, "/v1/sys/policies/acl/bench", new { policy = rules }, cancellation);
        var made = await CallAsync(
            http,
            HttpMethod.Post,
            "/v1/auth/token/create",
            new { policies = new[] { "bench" }, no_default_policy = true },
            cancellation
        );
        Token = made.GetProperty("auth").GetProperty("client_token").GetString()!;
    }

    private static async Task<JsonElement> CallAsync(
        HttpClient http,
        HttpMethod method,
        string url,
        string token,
        object? body,
        CancellationToken cancellation
    )
    {
        using var request = new HttpRequestMessage(method, url);
        request.Headers.Add("X-Vault-Token", token);
        request.Content = body is null ? null : JsonContent.Create(body);
        using var reply = await http.SendAsync(request, cancellation);
        var text = await reply.Content.ReadAsStringAsync(cancellation);
        if (!reply.IsSuccessStatusCode)
        {
            throw new InvalidOperationException(
                string.Create(CultureInfo.InvariantCulture, $"{method} {url}: {(int)reply.StatusCode} {text}")
            );
        }

        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Mayfly.slnx")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("run it from within the repository");
    }
}
