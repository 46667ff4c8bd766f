using System.Text;
using Mayfly.Client;
using Mayfly.Client.Configuration;
using Mayfly.Client.Redaction;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Mayfly.Tests.Client.Configuration;

public sealed class MayflyConfigurationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Options_get_the_new_value_when_the_secret_is_written()
    {
        await using var server = await ServerProcess.StartDevAsync();
        using var client = new MayflyClient(
            new MayflyClientOptions { Address = server.Address, Token = ServerProcess.DevToken }
        );
        await WriteAsync(client, "first-password");
        await using var secrets = new LiveSecrets(new MayflySecretSource(client));
        using var configuration = new ConfigurationManager();
        configuration.AddInMemoryCollection([new("Database:Host", "db.example.com"), new("Database:Password", "none")]);
        ((IConfigurationBuilder)configuration).AddMayfly(
            secrets,
            new MayflyConfigurationOptions { Secrets = [new ConfiguredSecret("secret/data/app", "Database")] }
        );
        using var services = new ServiceCollection()
            .Configure<DatabaseOptions>(configuration.GetSection("Database"))
            .BuildServiceProvider();
        var monitor = services.GetRequiredService<IOptionsMonitor<DatabaseOptions>>();

        Assert.Equal("first-password", monitor.CurrentValue.Password!.Reveal());
        Assert.Equal(5432, monitor.CurrentValue.Port);
        Assert.Equal("db.example.com", monitor.CurrentValue.Host);

        var told = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var listening = monitor.OnChange(options => told.TrySetResult(options.Password!.Reveal()));
        await WriteAsync(client, "second-password");

        Assert.Equal("second-password", await told.Task.WaitAsync(Patience, Cancellation));
        Assert.Equal("second-password", configuration["Database:Password"]);
        Assert.Equal("second-password", monitor.CurrentValue.Password!.Reveal());
    }

    [Fact]
    public async Task Fields_become_keys_as_those_of_json_files_do()
    {
        var source = new MockSecretSource();
        source.Set("app", new("password", "pw-1234"), new("user", "app"));
        source.Set("more", new KeyValuePair<string, string>("key", "key-5678"));
        await using var secrets = new LiveSecrets(source);
        using var root = Build(
            secrets,
            new MayflyConfigurationOptions
            {
                Secrets =
                [
                    new ConfiguredSecret("app", "Db")
                    {
                        Keys = new Dictionary<string, string> { ["password"] = "Login:Secret" },
                    },
                    new ConfiguredSecret("more")
                    {
                        Keys = new Dictionary<string, string> { ["key"] = "Api:Key" },
                        OnlyKeys = true,
                    },
                ],
            }
        );

        Assert.Equal("pw-1234", root["db:login:secret"]);
        Assert.Equal("app", root["Db:user"]);
        Assert.Null(root["Db:password"]);
        Assert.Equal("key-5678", root["Api:Key"]);
        Assert.Equal(["Key"], root.GetSection("Api").GetChildren().Select(child => child.Key));
    }

    [Fact]
    public async Task Nested_fields_and_lists_are_flattened()
    {
        var source = new OneSecret("""{"db":{"hosts":["a","b"],"tls":true,"port":5432,"none":null}}""");
        await using var secrets = new LiveSecrets(source);
        using var root = Build(secrets, new MayflyConfigurationOptions { Secrets = [new ConfiguredSecret("any")] });

        Assert.Equal("b", root["db:hosts:1"]);
        Assert.Equal("True", root["db:tls"]);
        Assert.Equal("5432", root["db:port"]);
        Assert.Null(root["db:none"]);
    }

    [Fact]
    public async Task A_program_whose_secret_is_not_to_be_had_does_not_start_and_says_why()
    {
        var source = new MockSecretSource { Default = static _ => null };
        await using var secrets = new LiveSecrets(source);

        var failure = Assert.Throws<MayflyConfigurationException>(() =>
            Build(secrets, new MayflyConfigurationOptions { Secrets = [new ConfiguredSecret("missing")] })
        );

        Assert.Equal("missing", failure.Name);
        Assert.Contains("missing", failure.Message, StringComparison.Ordinal);
        using var optional = Build(
            secrets,
            new MayflyConfigurationOptions { Secrets = [new ConfiguredSecret("missing") { IsOptional = true }] }
        );
        Assert.Empty(optional.AsEnumerable());
    }

    [Fact]
    public async Task A_program_that_may_starts_without_the_server_and_gets_the_values_when_it_comes()
    {
        var source = new OneSecret("""{"password":"came-later"}""") { IsAway = true };
        await using var secrets = new LiveSecrets(
            source,
            new LiveSecretsOptions { LongestBackOff = TimeSpan.FromSeconds(1) }
        );
        using var root = Build(
            secrets,
            new MayflyConfigurationOptions
            {
                Secrets = [new ConfiguredSecret("app")],
                StartLimit = TimeSpan.Zero,
                StartWithout = true,
            }
        );
        Assert.Null(root["password"]);
        var reloaded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var waiting = root.GetReloadToken().RegisterChangeCallback(_ => reloaded.TrySetResult(), null);

        source.IsAway = false;
        await reloaded.Task.WaitAsync(Patience, Cancellation);

        Assert.Equal("came-later", root["password"]);
    }

    [Fact]
    public async Task A_value_that_is_too_old_is_not_configuration_any_more()
    {
        var time = new ManualTime();
        var source = new OneSecret("""{"password":"soon-too-old"}""");
        await using var secrets = new LiveSecrets(
            source,
            new LiveSecretsOptions
            {
                Time = time,
                Ttl = TimeSpan.FromMinutes(1),
                MaxStale = TimeSpan.FromMinutes(1),
            }
        );
        using var root = Build(secrets, new MayflyConfigurationOptions { Secrets = [new ConfiguredSecret("app")] });
        Assert.Equal("soon-too-old", root["password"]);

        source.IsAway = true;
        time.Advance(TimeSpan.FromMinutes(3));

        Assert.Null(root["password"]);
    }

    [Fact]
    public async Task The_debug_view_can_be_had_without_secrets()
    {
        var source = new MockSecretSource();
        source.Set("app", new KeyValuePair<string, string>("password", "pw-in-the-view"));
        await using var secrets = new LiveSecrets(source);
        var builder = new ConfigurationBuilder();
        builder.AddInMemoryCollection([new("Copied", "x pw-in-the-view y"), new("Level", "Debug")]);
        builder.AddMayfly(secrets, new MayflyConfigurationOptions { Secrets = [new ConfiguredSecret("app")] });
        using var root = (ConfigurationRoot)builder.Build();

        var view = root.GetRedactedDebugView();

        Assert.DoesNotContain("pw-in-the-view", view, StringComparison.Ordinal);
        Assert.Contains("password=[redacted] (Mayfly (app))", view, StringComparison.Ordinal);
        Assert.Contains("Copied=x [redacted] y", view, StringComparison.Ordinal);
        Assert.Contains("Level=Debug", view, StringComparison.Ordinal);
        // What .NET prints by itself is redacted where it is logged.
        Assert.DoesNotContain("pw-in-the-view", Redactor.Shared.Redact(root.GetDebugView()), StringComparison.Ordinal);
    }

    private static ConfigurationRoot Build(LiveSecrets secrets, MayflyConfigurationOptions options) =>
        (ConfigurationRoot)new ConfigurationBuilder().AddMayfly(secrets, options).Build();

    private static async Task WriteAsync(MayflyClient client, string password) =>
        (
            await client.WriteAsync(
                "secret/data/app",
                Encoding.UTF8.GetBytes($$$"""{"data":{"password":"{{{password}}}","port":5432}}"""),
                Cancellation
            )
        ).EnsureSuccess();

    private sealed class DatabaseOptions
    {
        public string Host { get; set; } = "";

        public int Port { get; set; }

        public SecretString? Password { get; set; }
    }

    /// <summary>A source with one secret, that can be away.</summary>
    private sealed class OneSecret(string json) : ISecretSource
    {
        private volatile bool _isAway;

        public bool IsAway
        {
            get => _isAway;
            set => _isAway = value;
        }

        public string Id => "one";

        public Task<FetchedSecret> FetchAsync(string name, CancellationToken cancellationToken) =>
            IsAway
                ? throw new SecretSourceException(SecretFailure.Unreachable, "away")
                : Task.FromResult(new FetchedSecret(System.Text.Json.JsonElement.Parse(json)));
    }
}
