using Mayfly.Client;
using Mayfly.Client.Hosting;
using Mayfly.Client.Logins;
using Mayfly.Client.Secrets;
using Mayfly.Core.Pipeline;
using Microsoft.Extensions.DependencyInjection;

#pragma warning disable xUnit1051 // The examples are shown as a reader would write them.

namespace Mayfly.Tests.Client;

/// <summary>The examples of docs/sdk/client.md and of the package's readme. They stand here, where they are compiled and run.</summary>
public sealed class ClientPageTests : IAsyncLifetime
{
    private const string Begin = "// example";
    private const string End = "// end";
    private const string Fence = "```";

    private static readonly string[] Pages = ["docs/sdk/client.md", "src/Mayfly.Client/README.md"];

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _log = [];
    private ServedVault _server = null!;
    private MayflyClient _root = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await ServedVault.StartAsync();
        await _server.WriteAsync("sys/mounts/secret", """{"type":"kv","options":{"version":"2"}}""");
        await _server.WriteAsync("secret/data/team/database", """{"data":{"password":"hunter2"}}""");
        _root = new MayflyClient(_server.Options with { Token = _server.Vault.RootToken });
    }

    public async ValueTask DisposeAsync()
    {
        _root.Dispose();
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public void The_pages_show_what_is_run_here_and_nothing_else()
    {
        var examples = Examples();
        Assert.NotEmpty(examples);
        var shown = Pages.SelectMany(page => Blocks(File.ReadAllText(Path.Combine(Repository.Root, page)))).ToList();

        Assert.All(shown, block => Assert.Contains(block, examples));
        Assert.All(examples, example => Assert.Contains(example, shown));
    }

    [Fact]
    public async Task A_program_logs_in_and_reads()
    {
        await _server.WriteAsync("sys/auth/approle", """{"type":"approle"}""");
        await _server.WriteAsync(
            "sys/policies/acl/app",
            """{"policy":"path \"secret/*\" { capabilities = [\"read\"] }"}"""
        );
        await _server.WriteAsync("auth/approle/role/app", """{"token_policies":"app"}""");
        var role = await _server.Vault.DataAsync(Operation.Read, "auth/approle/role/app/role-id");
        var secret = await _server.WriteAsync("auth/approle/role/app/secret-id");
        var (address, roleId) = (_server.Options.Address, role.GetProperty("role_id").GetString());
        var secretIdFile = _folder.File("secret-id");
        await File.WriteAllTextAsync(secretIdFile, secret.GetProperty("secret_id").GetString(), Cancellation);

        // example
        await using var client = new MayflyClient(
            new MayflyClientOptions
            {
                Address = address,
                Login = new AppRoleLogin { RoleId = roleId, SecretIdFile = secretIdFile },
            }
        );
        var database = await client.Kv("secret").GetAsync("team/database");
        Connect(database!["password"].Reveal());
        // end

        // example
        client.Session!.LoggedIn += (_, change) => Log($"logged in as {change.Login.Accessor}");
        client.Session.Failed += (_, failed) => Log($"{failed.Failure.Message} Next try after {failed.RetryAfter}.");
        // end
        await client.Session.LogInAgainAsync(Cancellation);

        Assert.Equal("connected with hunter2", _log[0]);
    }

    [Fact]
    public async Task A_write_that_came_too_late_is_seen()
    {
        var client = _root;

        // example
        var kv = client.Kv("secret");
        var current = await kv.GetMetadataAsync("team/app");
        try
        {
            await kv.PutAsync("team/app", [new("color", "blue")], cas: current?.CurrentVersion ?? 0);
        }
        catch (MayflyApiException refusal) when (refusal.IsVersionMismatch)
        {
            Log("somebody else was faster: read again");
        }
        // end

        Assert.Empty(_log);
        Assert.Equal("blue", (await kv.GetAsync("team/app", cancellationToken: Cancellation))!["color"].Reveal());
    }

    [Fact]
    public async Task A_secret_is_handed_over_wrapped()
    {
        var client = _root;

        // example
        var request = new MayflyRequest(HttpMethod.Get, "secret/data/team/database") { WrapTtl = "5m" };
        var wrapped = (await client.SendAsync(request)).EnsureSuccess().Wrapped!;

        // Whoever gets wrapped.Token reads the answer once, without another token.
        var answer = await client.Wrapping.UnwrapAsync(wrapped.Token.Reveal());
        // end

        Assert.Equal("hunter2", answer.Data.GetProperty("data").GetProperty("password").GetString());
    }

    [Fact]
    public async Task Everything_else_is_read_and_written_as_json()
    {
        var client = _root;

        // example
        var mounts = (await client.ReadAsync("sys/mounts")).EnsureSuccess();
        foreach (var mount in mounts.Data.EnumerateObject())
        {
            Log(mount.Name);
        }
        // end

        Assert.Contains("secret/", _log);
    }

    [Fact]
    public async Task A_program_with_dependency_injection_has_it_all()
    {
        var services = new ServiceCollection();
        var options = _server.Options with { Token = _server.Vault.RootToken };

        // example
        services.AddMayfly(setup =>
            setup with
            {
                Client = options,
                Source = setup.Source with { Consumer = "shop/web-1" },
            }
        );
        services.AddHealthChecks().AddCheck<MayflyHealthCheck>("mayfly");
        // end
        services.AddLogging();
        await using var provider = services.BuildServiceProvider();
        var secrets = provider.GetRequiredService<LiveSecrets>();

        Assert.Equal("hunter2", (await secrets.GetAsync("secret/data/team/database", Cancellation))["password"]);
    }

    [Fact]
    public async Task A_program_with_an_http_client_factory_uses_its_connections()
    {
        var services = new ServiceCollection();
        var options = _server.Options with { Token = _server.Vault.RootToken };

        // example
        services
            .AddHttpClient("mayfly")
            .ConfigurePrimaryHttpMessageHandler(provider =>
                provider.GetRequiredService<MayflySetup>().Client.CreateHandler()
            );
        services.AddMayfly(
            (provider, setup) =>
                setup with
                {
                    Client = options with
                    {
                        HttpClient = () => provider.GetRequiredService<IHttpClientFactory>().CreateClient("mayfly"),
                    },
                }
        );
        // end
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<MayflyClient>();

        Assert.NotNull(await client.Kv().GetAsync("team/database", cancellationToken: Cancellation));
    }

    private void Connect(string password) => Log("connected with " + password);

    private void Log(string line) => _log.Add(line);

    /// <summary>What stands between the marks of this file, moved to the left.</summary>
    private static List<string> Examples()
    {
        var examples = new List<string>();
        List<string>? open = null;
        foreach (
            var line in File.ReadLines(Path.Combine(Repository.Root, "tests/Mayfly.Tests/Client/ClientPageTests.cs"))
        )
        {
            if (line.Trim() == Begin)
            {
                open = [];
            }
            else if (line.Trim() == End && open is not null)
            {
                examples.Add(string.Join('\n', open));
                open = null;
            }
            else
            {
                open?.Add(line.Length > 8 ? line[8..] : "");
            }
        }

        return examples;
    }

    private static IEnumerable<string> Blocks(string page) =>
        page.Split(Fence + "csharp\n")
            .Skip(1)
            .Select(static rest => rest[..rest.IndexOf("\n" + Fence, StringComparison.Ordinal)]);
}
