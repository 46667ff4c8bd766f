using Azure.Core;
using Azure.Security.KeyVault.Secrets;
using Mayfly.Client;
using Mayfly.Client.Aws;
using Mayfly.Client.Azure;
using Mayfly.Client.Configuration;
using Mayfly.Client.Npgsql;
using Mayfly.Client.OpenTelemetry;
using Mayfly.Client.Redaction;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;
using Mayfly.Client.Testing;
using Mayfly.Tests.Client.Redaction;
using Mayfly.Tests.Engines.Database;
using Mayfly.Tests.Storage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Trace;

#pragma warning disable xUnit1051 // The examples are shown as a reader would write them.

namespace Mayfly.Tests.Client;

/// <summary>
/// The examples of docs/sdk/redaction.md, npgsql.md and configuration.md, and of the packages' readmes. They stand here, where they
/// are compiled and run; those that would need a cloud are only compiled.
/// </summary>
[Collection(nameof(SecretFreeTests))]
public sealed class SdkPageTests(DatabaseServers servers)
{
    private const string Begin = "// example";
    private const string End = "// end";
    private const string Fence = "```csharp\n";

    private static readonly string[] Pages =
    [
        "docs/sdk/redaction.md",
        "docs/sdk/npgsql.md",
        "docs/sdk/configuration.md",
        "src/Mayfly.Client.Npgsql/README.md",
        "src/Mayfly.Client.OpenTelemetry/README.md",
        "src/Mayfly.Client.Aws/README.md",
        "src/Mayfly.Client.Azure/README.md",
    ];

    private readonly List<string> _seen = [];

    [Fact]
    public void The_pages_show_what_is_run_here_and_nothing_else()
    {
        var examples = Examples();
        var shown = Pages.SelectMany(page => Blocks(File.ReadAllText(Path.Combine(Repository.Root, page)))).ToList();

        Assert.NotEmpty(examples);
        Assert.All(shown, block => Assert.Contains(block, examples));
        Assert.All(examples, example => Assert.Contains(example, shown));
    }

    [Fact]
    public void Logs_are_redacted_with_one_line()
    {
        using var provider = new CapturingProvider();
        using var logging = LoggerFactory.Create(builder =>
        {
            builder.AddProvider(provider);
            // example
            builder.AddMayflyRedaction();
            // end
        });
        var logger = logging.CreateLogger("Orders");

        // example
        var password = new SecretString("a-password-of-mine");
        logger.LogInformation("logging in with {Password}", password);
        Connect(password.Reveal());
        // end

        logger.LogInformation("{Text}", "dsn=a-password-of-mine");
        Assert.Equal(["logging in with [redacted]", "dsn=[redacted]"], provider.Entries.Select(entry => entry.Message));
        Assert.Equal(["a-password-of-mine"], _seen);
        GC.KeepAlive(password);
    }

    [Fact]
    public void A_host_is_declared_no_secret()
    {
        // example
        SecretRegistry.Shared.Ignore("db.example.com");
        // end

        SecretRegistry.Shared.Add("db.example.com");
        Assert.Equal("db.example.com", Redactor.Shared.Redact("db.example.com"));
    }

    [Fact]
    public void OpenTelemetry_is_redacted_with_a_line_for_each_signal()
    {
        var redactor = new Redactor(new SecretRegistry());
        var services = new TelemetryServices();

        // example
        services
            .AddOpenTelemetry()
            .WithTracing(tracing => tracing.AddSource("Orders").AddMayflyRedaction(redactor))
            .WithLogging(logging => logging.AddMayflyRedaction(redactor));
        // end

        services.Build();
    }

    [Fact]
    public void Text_and_files_are_redacted()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder.Path);
        var path = Path.Combine(folder.Path, "log");
        var key = "an-api-key?of=mine";
        SecretRegistry.Shared.Add(key);
        using (new TempFolder())
        {
            // example
            var clean = Redactor.Shared.Redact($"curl -H 'X-Key: {key}' https://host/?key={Uri.EscapeDataString(key)}");
            using var log = new RedactingTextWriter(File.CreateText(path));
            log.WriteLine(clean);
            // end
        }

        Assert.Equal("curl -H 'X-Key: [redacted]' https://host/?key=[redacted]\n", File.ReadAllText(path));
    }

    [Fact]
    public void A_program_is_shown_to_be_free_of_secrets()
    {
        using var temporary = new TempFolder();
        Directory.CreateDirectory(temporary.Path);
        var folder = temporary.Path;

        // example
        var canary = SecretFree.NewCanary();
        using var check = new SecretFree(canary);
        using var logging = LoggerFactory.Create(builder => builder.AddProvider(check.Logs));
        RunTheProgram(logging, password: canary);
        check.CheckFiles(folder);
        check.Verify();
        // end

        logging.CreateLogger("Orders").LogInformation("with {Password}", canary);
        var failure = Assert.Throws<SecretLeakException>(check.Verify);
        var page = File.ReadAllText(Path.Combine(Repository.Root, Pages[0]));
        Assert.Contains(string.Join('\n', failure.Message.Split('\n').Take(2)), page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pool_takes_its_password_from_a_live_secret()
    {
        var postgres = await servers.PostgresAsync();
        await postgres.ExecuteAsync("CREATE ROLE page LOGIN PASSWORD 'page-password'");
        var source = new MockSecretSource();
        source.Set("database/static-creds/orders", new("username", "page"), new("password", "page-password"));
        await using var secrets = new LiveSecrets(source);
        var connectionString = $"Host=127.0.0.1;Port={postgres.Port};Database=postgres";

        // example
        await using var database = new LiveNpgsqlDataSource(
            connectionString,
            secrets.Get("database/static-creds/orders")
        );

        await using var connection = await database.OpenConnectionAsync();
        // end

        await using var command = new NpgsqlCommand("SELECT current_user", connection);
        Assert.Equal("page", await command.ExecuteScalarAsync());

        var services = new ServiceCollection();
        // example
        services.AddLiveNpgsql(connectionString, "database/static-creds/orders");
        // end

        // example
        var options = new LiveNpgsqlOptions
        {
            PasswordField = "pw",
            Configure = builder => builder.ConnectionStringBuilder.ApplicationName = "orders",
        };
        // end

        // example
        var live = new LiveSecretsOptions { AuthenticationFailures = AuthenticationFailures.Default.WithNpgsql() };
        // end

        Assert.Equal("username", options.UserField);
        Assert.True(live.AuthenticationFailures.Includes(new PostgresException("no", "FATAL", "FATAL", "28P01")));
        Assert.False(live.AuthenticationFailures.Includes(new PostgresException("no", "FATAL", "FATAL", "42601")));
        Assert.Equal(2, services.Count);
    }

    [Fact]
    public void Clouds_are_sources_with_a_few_lines()
    {
        Func<Task> aws = async () =>
        {
            // example
            using var source = new AwsSecretsManagerSource(
                new AwsSecretsManagerSourceOptions { Region = "eu-central-1" }
            );
            await using var secrets = new LiveSecrets(source);

            var database = await secrets.GetAsync("team/database");
            Connect(database["password"]);
            // end
        };
        Func<TokenCredential, Task> azure = async credential =>
        {
            // example
            var source = new AzureKeyVaultSource(new SecretClient(new Uri("https://team.vault.azure.net"), credential));
            await using var secrets = new LiveSecrets(source);

            var database = await secrets.GetAsync("team-database");
            Connect(database["password"]);
            // end
        };

        Assert.NotNull(aws);
        Assert.NotNull(azure);
    }

    [Fact]
    public async Task Secrets_become_configuration()
    {
        var source = new MockSecretSource();
        source.Set("secret/data/app", new KeyValuePair<string, string>("password", "page-configuration-pw"));
        source.Set("database/static-creds/orders", new("username", "app"), new("password", "page-orders-pw"));
        await using var secrets = new LiveSecrets(source);
        var builder = new ConfigurationBuilder();

        // example
        builder.AddMayfly(
            secrets,
            new MayflyConfigurationOptions { Secrets = [new ConfiguredSecret("secret/data/app", "Database")] }
        );
        // end

        builder.AddMayfly(secrets, new MayflyConfigurationOptions { Secrets = [Orders()] });
        using var root = (ConfigurationRoot)builder.Build();

        // example
        var view = root.GetRedactedDebugView();
        // end

        Assert.Equal("page-configuration-pw", root.GetSection("Database").Get<DatabaseOptions>()!.Password!.Reveal());
        Assert.Equal("page-orders-pw", root.GetConnectionString("OrdersPassword"));
        Assert.Null(root.GetConnectionString("username"));
        Assert.DoesNotContain("page-", view, StringComparison.Ordinal);
    }

    private static ConfiguredSecret Orders() =>
        // example
        new ConfiguredSecret("database/static-creds/orders", "ConnectionStrings")
        {
            Keys = new Dictionary<string, string> { ["password"] = "OrdersPassword" },
            OnlyKeys = true,
        };

    // end

    // example
    public sealed class DatabaseOptions
    {
        public string Host { get; set; } = "";

        public SecretString? Password { get; set; }
    }

    // end

    private void Connect(string password) => _seen.Add(password);

    private static void RunTheProgram(ILoggerFactory logging, string password) =>
        logging.CreateLogger("Orders").LogInformation("connected with {Password}", new SecretString(password));

    private static List<string> Examples()
    {
        var examples = new List<string>();
        List<string>? lines = null;
        foreach (var line in File.ReadLines(Path.Combine(Repository.Root, "tests/Mayfly.Tests/Client/SdkPageTests.cs")))
        {
            switch (line.Trim())
            {
                case Begin:
                    lines = [];
                    break;
                case End when lines is not null:
                    examples.Add(Unindent(lines));
                    lines = null;
                    break;
                default:
                    lines?.Add(line);
                    break;
            }
        }

        return examples;
    }

    private static string Unindent(List<string> lines)
    {
        var indent = lines.Where(line => line.Length > 0).Min(line => line.Length - line.TrimStart().Length);
        return string.Join('\n', lines.Select(line => line.Length > 0 ? line[indent..] : line)).Trim();
    }

    private static IEnumerable<string> Blocks(string page) =>
        page.Split(Fence).Skip(1).Select(block => block[..block.IndexOf("```", StringComparison.Ordinal)].Trim());

    /// <summary>
    /// Stands for what OpenTelemetry.Extensions.Hosting adds to a host's services, which is a package of its own.
    /// </summary>
    private sealed class TelemetryServices
    {
        private readonly ServiceCollection _services = new();

        public TelemetryServices AddOpenTelemetry() => this;

        public TelemetryServices WithTracing(Action<TracerProviderBuilder> configure)
        {
            var builder = Sdk.CreateTracerProviderBuilder();
            configure(builder);
            using var provider = builder.Build();
            return this;
        }

        public TelemetryServices WithLogging(Action<LoggerProviderBuilder> configure)
        {
            _services.AddLogging(logging => logging.AddOpenTelemetry());
            _services.ConfigureOpenTelemetryLoggerProvider(configure);
            return this;
        }

        public void Build()
        {
            using var provider = _services.BuildServiceProvider();
            provider.GetRequiredService<ILoggerFactory>().CreateLogger("Orders").LogInformation("it works");
        }
    }
}
