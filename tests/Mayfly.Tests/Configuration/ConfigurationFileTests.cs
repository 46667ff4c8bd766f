using Mayfly.Core.Pipeline;
using Mayfly.Hosting.Listeners;
using Mayfly.Server.Configuration;
using Mayfly.Server.Http;
using Microsoft.Extensions.Logging;

namespace Mayfly.Tests.Configuration;

public sealed class ConfigurationFileTests
{
    /// <summary>The kind of file that people bring along.</summary>
    private const string Example = """
        listener "tcp" {
          address = "0.0.0.0:8200"
          tls_disable = 1
        }
        storage "file" {
          path = "/vault/data"
        }
        api_addr = "http://127.0.0.1:8200"
        cluster_addr = "https://127.0.0.1:8201"
        # Enable dynamic database secrets
        plugin_directory = "/vault/plugins"
        seal "transit" {
          address = "https://vault-transit:8200"
          token = "${VAULT_TRANSIT_TOKEN}"
          key_name = "vault-auto-unseal"
          mount_path = "transit/"
        }
        """;

    [Fact]
    public void Example_configuration_starts_and_says_what_is_not_supported()
    {
        var configuration = Good(Example + "\nui = true");

        var tcp = Assert.IsType<TcpAddress>(Assert.Single(configuration.Listeners).Address);
        Assert.Equal("http://0.0.0.0:8200", tcp.Url);
        Assert.Equal("/vault/data", configuration.Storage!.Folder);
        Assert.Null(configuration.Seal.KeyFile);
        Assert.Equal("http://127.0.0.1:8200", configuration.ApiAddress);
        Assert.Contains(
            configuration.Warnings,
            warning => warning.StartsWith("test.hcl:11: plugin_directory", StringComparison.Ordinal)
        );
        Assert.Contains(
            configuration.Warnings,
            warning => warning.StartsWith("test.hcl:12: seal \"transit\"", StringComparison.Ordinal)
        );
        Assert.Contains(
            configuration.Warnings,
            warning => warning.StartsWith("test.hcl:18: ui", StringComparison.Ordinal)
        );
        Assert.Contains(configuration.Warnings, warning => warning.Contains("without TLS"));
        Assert.DoesNotContain(configuration.Warnings, warning => warning.Contains("VAULT_TRANSIT_TOKEN"));
    }

    [Fact]
    public void Proxies_and_lockout_are_read()
    {
        var configuration = Good(
            """
            listener "tcp" {
              address = "127.0.0.1:8200"
              tls_cert_file = "/c"
              tls_key_file = "/k"
              tls_min_version = "tls10"
              x_forwarded_for_authorized_addrs = "10.0.0.1, 10.1.0.0/16"
              x_forwarded_for_hop_skips = "1"
              x_forwarded_for_reject_not_present = false
            }
            storage "inmem" {}
            user_lockout "all" {
              lockout_threshold = "3"
            }
            user_lockout "approle" {
              disable_lockout = true
              lockout_duration = "5m"
              lockout_counter_reset = "1m"
            }
            """
        );

        var forwarded = Assert.Single(configuration.Listeners).Forwarded!;
        Assert.Equal(["10.0.0.1", "10.1.0.0/16"], forwarded.Proxies);
        Assert.Equal(1, forwarded.HopSkips);
        Assert.True(forwarded.RejectNotAuthorized);
        Assert.False(forwarded.RejectNotPresent);
        Assert.Contains(configuration.Warnings, warning => warning.Contains("at least TLS 1.2"));
        Assert.Equal(3, configuration.UserLockout["all"].Threshold);
        Assert.True(configuration.UserLockout["approle"].Disabled);
        Assert.Equal(TimeSpan.FromMinutes(5), configuration.UserLockout["approle"].Duration);
    }

    [Fact]
    public void Json_says_the_same_as_HCL()
    {
        var configuration = Good(
            """
            {
              "listener": [{"tcp": {"address": "127.0.0.1:8300", "tls_disable": true}}],
              "storage": {"inmem": {}},
              "default_lease_ttl": "1h", "max_lease_ttl": 7200,
              "log_level": "debug", "unknown_fields": "warn", "disable_mlock": true
            }
            """
        );

        Assert.Equal("http://127.0.0.1:8300", Assert.Single(configuration.Listeners).Address.Url);
        Assert.Null(configuration.Storage!.Folder);
        Assert.Equal(TimeSpan.FromHours(1), configuration.DefaultLeaseTtl);
        Assert.Equal(TimeSpan.FromHours(2), configuration.MaxLeaseTtl);
        Assert.Equal(LogLevel.Debug, configuration.LogLevel);
        Assert.Equal(UnknownFields.Warn, configuration.UnknownFields);
    }

    [Fact]
    public void Listeners_of_all_kinds_stand_side_by_side()
    {
        var configuration = Good(
            """
            listener "tcp" {
              address = "[::1]:8200"
              tls_cert_file = "/etc/mayfly/tls.crt"
              tls_key_file = "/etc/mayfly/tls.key"
              tls_min_version = "tls13"
              telemetry { unauthenticated_metrics_access = true }
            }
            listener "unix" {
              address = "/run/mayfly.sock"
              socket_mode = "0660"
              socket_group = "mayfly"
            }
            """
        );

        var tcp = Assert.IsType<TcpAddress>(configuration.Listeners[0].Address);
        Assert.Equal(new TlsFiles("/etc/mayfly/tls.crt", "/etc/mayfly/tls.key") { OnlyTls13 = true }, tcp.Tls);
        Assert.True(configuration.Listeners[0].UnauthenticatedMetrics);
        var unix = Assert.IsType<UnixAddress>(configuration.Listeners[1].Address);
        Assert.Equal(Convert.ToInt32("660", 8), (int)unix.Mode);
        Assert.Equal("mayfly", unix.Group);
    }

    [Theory]
    [InlineData("listener \"tcp\" {\n  address = \"127.0.0.1:1\"\n", "test.hcl: line 3")]
    [InlineData("api_adr = \"x\"", "test.hcl:1: invalid key \"api_adr\"")]
    [InlineData("\nlistener \"tcp\" { adress = \"127.0.0.1:1\"\n tls_disable = true }", "invalid key \"adress\"")]
    [InlineData("listener \"tcp\" { address = \"127.0.0.1:1\" }", "test.hcl:1: listener: give tls_cert_file")]
    [InlineData("listener \"tcp\" { address = \"somewhere\"\n tls_disable = true }", "'somewhere' is not IP:PORT")]
    [InlineData("listener \"quic\" { }", "listener \"quic\" is not supported")]
    [InlineData("listener \"unix\" { }", "address must be the path of a socket")]
    [InlineData("listener \"unix\" { address = \"/s\"\n socket_mode = \"0999\" }", "socket_mode must be octal")]
    [InlineData(
        "listener \"tcp\" { tls_disable = true\n tls_require_and_verify_client_cert = true }",
        "test.hcl:2: listener: tls_require_and_verify_client_cert"
    )]
    [InlineData(
        "listener \"tcp\" { tls_disable = true\n x_forwarded_for_authorized_addrs = \"proxy\" }",
        "x_forwarded_for_authorized_addrs must be addresses or networks, not 'proxy'"
    )]
    [InlineData("user_lockout \"ssh\" {}", "user_lockout \"ssh\"")]
    [InlineData("user_lockout \"all\" { lockout_threshold = 0 }", "lockout_threshold must be positive")]
    [InlineData(
        "listener \"tcp\" { tls_cert_file = \"a\"\n tls_key_file = \"b\"\n tls_min_version = \"ssl3\" }",
        "tls_min_version must be tls12 or tls13"
    )]
    [InlineData("storage \"consul\" { }", "storage \"consul\" is not supported")]
    [InlineData("storage \"file\" { }", "storage \"file\" needs path")]
    [InlineData("seal \"static\" { }", "seal \"static\" needs key_file")]
    [InlineData("default_lease_ttl = \"soon\"", "default_lease_ttl: expected a duration")]
    [InlineData("default_lease_ttl = \"2h\"\nmax_lease_ttl = \"1h\"", "longer than max_lease_ttl")]
    [InlineData("log_level = \"loud\"", "log_level: 'loud' is not one of its values")]
    public void Problem_names_file_line_and_reason(string text, string expected)
    {
        var problems = new List<string>();

        ConfigurationFiles.Apply(new ServerConfiguration(), "test.hcl", text, problems);

        Assert.Contains(expected, Assert.Single(problems));
    }

    [Fact]
    public void Files_of_a_folder_are_merged_in_order()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("a.hcl"), "api_addr = \"http://a\"\nlistener \"tcp\" { tls_disable = true }");
        File.WriteAllText(
            folder.File("b.json"),
            "{\"api_addr\": \"http://b\", \"listener\": {\"unix\": {\"address\": \"/s\"}}}"
        );
        File.WriteAllText(folder.File("notes.txt"), "this is not read");

        var (configuration, problems) = ConfigurationFiles.Read([folder.Path]);

        Assert.Empty(problems);
        Assert.Equal("http://b", configuration!.ApiAddress);
        Assert.Equal(2, configuration.Listeners.Count);
    }

    [Fact]
    public void Missing_file_is_a_problem()
    {
        var (configuration, problems) = ConfigurationFiles.Read(["/nonexistent/mayfly.hcl"]);

        Assert.Null(configuration);
        Assert.Equal("/nonexistent/mayfly.hcl: there is no such file or folder", Assert.Single(problems));
    }

    [Fact]
    public void Server_without_listener_or_storage_does_not_start()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("a.hcl"), "ui = false");
        var (line, _) = CommandLine.Parse([$"-config={folder.Path}"], _ => null);

        var (configuration, problems) = Settings.From(line!);

        Assert.Null(configuration);
        Assert.Equal(2, problems.Count);
    }

    private static ServerConfiguration Good(string text)
    {
        var problems = new List<string>();
        var configuration = ConfigurationFiles.Apply(new ServerConfiguration(), "test.hcl", text, problems);
        Assert.Empty(problems);
        return configuration;
    }
}
