using FsCheck;
using FsCheck.Fluent;
using Mayfly.Agent.Configuration;

namespace Mayfly.Tests.Agent;

/// <summary>Configuration files: the shapes that Vault Agent's documentation shows, in three notations, and what is wrong in them.</summary>
public sealed class ConfigurationTests
{
    private static readonly string[] Pieces =
    [
        "a",
        ":",
        ": ",
        " ",
        "\n",
        "- ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&x ",
        "*x",
        "<<: ",
        "'",
        "\"",
        "|\n",
        ">-\n",
        "!t ",
        "0640",
        "~",
        "\t",
        "%",
        "---\n",
        "...",
        "? ",
        "#",
        "é",
    ];

    private const string Everything = """
        pid_file = "./pidfile"
        log_level = "debug"

        vault {
          address = "https://vault-fqdn:8200"
          ca_cert = "/etc/ca.pem"
          tls_server_name = "vault"
          retry { num_retries = 5 }
        }

        auto_auth {
          method "approle" {
            mount_path = "auth/my-approle"
            min_backoff = "2s"
            max_backoff = 60
            config = {
              role_id_file_path = "/etc/roleid"
              secret_id_file_path = "/etc/secretid"
              remove_secret_id_file_after_reading = false
              secret_id_response_wrapping_path = "auth/my-approle/role/app/secret-id"
            }
          }
          sink "file" {
            config = { path = "/tmp/file-foo" }
          }
          sink "file" {
            wrap_ttl = "5m"
            config = { path = "/tmp/file-bar" mode = 0600 }
          }
        }

        cache { cache_static_secrets = true }
        api_proxy { use_auto_auth_token = "force" }

        listener "tcp" {
          address = "127.0.0.1:8100"
          tls_disable = true
          require_request_header = true
          agent_api { enable_quit = true }
        }
        listener "unix" {
          address = "/path/to/socket"
          tls_disable = true
          socket_mode = "0660"
          allowed_uids = [1000, "1001"]
        }
        listener "secretsmanager" { mount = "kv/" }

        template_config { static_secret_render_interval = "10m" exit_on_retry_failure = true }
        template {
          source = "/etc/vault/server.key.ctmpl"
          destination = "/etc/vault/server.key"
          perms = "0640"
          wait { min = "2s" max = "10s" }
          exec { command = ["systemctl", "reload", "app"] timeout = "5s" }
        }
        env_template "FOO_PASSWORD" {
          contents = "{{ with secret \"secret/data/foo\" }}{{ .Data.data.password }}{{ end }}"
          error_on_missing_key = true
        }
        exec {
          command = ["./my-app", "arg1"]
          restart_on_secret_changes = "never"
          restart_stop_signal = "SIGINT"
        }
        """;

    [Fact]
    public void An_agent_file_of_vault_is_understood_whole()
    {
        var read = Read("agent.hcl", Everything);

        Assert.Equal("./pidfile", read.PidFile);
        Assert.Equal("https://vault-fqdn:8200", read.Server.Address);
        Assert.Equal(5, read.Server.Retries);
        var method = Assert.IsType<AppRoleMethod>(read.AutoAuth!.Method);
        Assert.Equal(
            ("auth/my-approle", "/etc/roleid", false),
            (method.MountPath, method.RoleIdFile, method.RemoveSecretIdFile)
        );
        Assert.Equal(TimeSpan.FromSeconds(60), method.MaxBackoff);
        Assert.Equal(["/tmp/file-foo", "/tmp/file-bar"], read.AutoAuth.Sinks.Select(sink => sink.Path));
        Assert.Equal(
            [Convert.ToInt32("640", 8), Convert.ToInt32("600", 8)],
            read.AutoAuth.Sinks.Select(sink => (int)sink.Mode!.Value)
        );
        Assert.Equal(TimeSpan.FromMinutes(5), read.AutoAuth.Sinks[1].WrapTtl);
        Assert.True(read.Cache!.StaticSecrets);
        Assert.Equal(TokenUse.Force, read.UseAutoAuthToken);
        Assert.Equal(3, read.Listeners.Count);
        Assert.True(
            read.Listeners[0] is { RequireRequestHeader: true, EnableQuit: true, Address.Url: "http://127.0.0.1:8100" }
        );
        Assert.Equal([1000u, 1001u], read.Listeners[1].AllowedUsers);
        Assert.Equal("kv", read.Listeners[2].SecretsManager!.Mount);
        Assert.Equal("http://127.0.0.1:2773", read.Listeners[2].Address.Url);
        Assert.Equal(TimeSpan.FromMinutes(10), read.TemplateSettings.StaticSecretRenderInterval);
        Assert.Equal(["systemctl", "reload", "app"], read.Templates[0].Command!.Arguments);
        Assert.Equal(
            (TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10)),
            (read.Templates[0].WaitMin, read.Templates[0].WaitMax)
        );
        Assert.Equal("FOO_PASSWORD", read.EnvironmentTemplates[0].Variable);
        Assert.True(read.Exec is { RestartOnSecretChanges: false, RestartStopSignal: "SIGINT" });
        Assert.Empty(read.Warnings);
    }

    [Theory]
    [InlineData(
        "agent.hcl",
        """
            auto_auth {
              method { type = "kubernetes" config { role = "app" } }
              sinks { sink { type = "file" config = { path = "/tmp/a" } } sink { type = "file" config = { path = "/tmp/b" } } }
            }
            """
    )]
    [InlineData(
        "agent.json",
        """
            {"auto_auth": {
              "method": [{"type": "kubernetes", "config": {"role": "app"}}],
              "sinks": [{"sink": {"type": "file", "config": {"path": "/tmp/a"}}}, {"sink": {"type": "file", "config": {"path": "/tmp/b"}}}]
            }}
            """
    )]
    [InlineData(
        "agent.json",
        """
            {"auto_auth": {
              "method": {"kubernetes": {"config": {"role": "app"}}},
              "sink": [{"file": {"config": {"path": "/tmp/a"}}}, {"file": {"config": {"path": "/tmp/b"}}}]
            }}
            """
    )]
    [InlineData(
        "agent.yaml",
        """
            auto_auth:
              method:
                type: kubernetes
                config: {role: app}
              sink:
                - &first
                  type: file
                  config:
                    path: /tmp/a
                - <<: *first
                  config: {path: /tmp/b}
            """
    )]
    [InlineData(
        "agent.yml",
        """
            auto_auth:
              method:
                kubernetes:
                  config:
                    role: "app"
              sinks:
                - sink: {type: file, config: {path: /tmp/a}}
                - sink: {type: file, config: {path: /tmp/b}}
            """
    )]
    public void Methods_and_sinks_are_read_in_every_shape(string file, string text)
    {
        var read = Read(file, text);

        Assert.Equal("app", Assert.IsType<KubernetesMethod>(read.AutoAuth!.Method).Role);
        Assert.Equal(["/tmp/a", "/tmp/b"], read.AutoAuth.Sinks.Select(sink => sink.Path));
    }

    [Theory]
    [InlineData("agent.json", "416")]
    [InlineData("agent.json", "\"0640\"")]
    [InlineData("agent.json", "\"640\"")]
    [InlineData("agent.hcl", "416")]
    [InlineData("agent.hcl", "0640")]
    [InlineData("agent.yaml", "0640")]
    [InlineData("agent.yaml", "0o640")]
    public void A_mode_is_octal_when_it_looks_so_and_decimal_when_it_is_another_number(string file, string mode)
    {
        var read = Read(file, Sink(file, mode));

        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead,
            read.AutoAuth!.Sinks[0].Mode
        );
    }

    [Theory]
    [InlineData("agent.hcl", "640")]
    [InlineData("agent.json", "640")]
    [InlineData("agent.yaml", "640")]
    [InlineData("agent.hcl", "-1")]
    [InlineData("agent.json", "\"rw\"")]
    public void A_mode_that_could_be_either_is_refused(string file, string mode)
    {
        var notes = new ConfigurationNotes();
        _ = ConfigurationFiles.Apply(new AgentConfiguration(), file, Sink(file, mode), notes);

        Assert.Contains("mode must be permissions in octal", Assert.Single(notes.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_wait_that_is_given_twice_and_an_empty_interval_are_what_they_are_for_vault()
    {
        var read = Read(
            "agent.hcl",
            """
            template {
              contents = "x"
              destination = "/tmp/x"
              wait { min = "2s" max = "5s" }
              wait { max = "9s" }
            }
            template_config { static_secret_render_interval = "" }
            """
        );
        var template = Assert.Single(read.Templates);
        Assert.Equal((TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(9)), (template.WaitMin, template.WaitMax));
        Assert.Equal(TimeSpan.FromMinutes(5), read.TemplateSettings.StaticSecretRenderInterval);
    }

    [Fact]
    public void A_consumer_has_a_name_of_the_machine_unless_it_is_given()
    {
        using var folder = new AgentFolder();
        var file = folder.Write(
            "agent.hcl",
            "auto_auth { method \"token_file\" { config = { token_file_path = \"t\" } } sink \"file\" { config = { path = \"x\" } } }"
        );
        Assert.StartsWith(
            "agent/",
            AgentSettings.From([file], _ => null).Configuration!.Consumer,
            StringComparison.Ordinal
        );
        folder.Write("agent.hcl", folder.Read("agent.hcl") + "\nconsumer = \"\"");
        Assert.Equal("", AgentSettings.From([file], _ => null).Configuration!.Consumer);
    }

    [Fact]
    public void The_rotation_of_the_log_is_set_by_the_environment_as_by_files()
    {
        using var folder = new AgentFolder();
        var file = folder.Write(
            "agent.hcl",
            "log_rotate_bytes = 5 auto_auth { method \"token_file\" { config = { token_file_path = \"t\" } } sink \"file\" { config = { path = \"x\" } } }".Replace(
                " auto_auth",
                "\nauto_auth",
                StringComparison.Ordinal
            )
        );
        var log = AgentSettings
            .From(
                [file],
                name =>
                    name switch
                    {
                        "MAYFLY_LOG_ROTATE_DURATION" => "1h",
                        "VAULT_LOG_ROTATE_MAX_FILES" => "-1",
                        _ => null,
                    }
            )
            .Configuration!.Log;
        Assert.Equal((5, TimeSpan.FromHours(1), -1), (log.RotateBytes, log.RotateAfter, log.RotateKeep));
        Assert.Contains(
            "MAYFLY_LOG_ROTATE_BYTES",
            Assert.Single(
                AgentSettings.From([file], name => name == "MAYFLY_LOG_ROTATE_BYTES" ? "many" : null).Problems
            ),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Zero_connections_per_host_are_as_many_as_by_default() =>
        Assert.Equal(
            new TemplateSettings().MaxConnectionsPerHost,
            Read("agent.hcl", "template_config { max_connections_per_host = 0 }").TemplateSettings.MaxConnectionsPerHost
        );

    [Fact]
    public void Listeners_may_stand_together_in_one_stanza()
    {
        var read = Read(
            "agent.hcl",
            """
            listeners {
              listener "tcp" { address = "127.0.0.1:8100" tls_disable = true }
              listener { type = "unix" address = "/run/agent.sock" }
            }
            """
        );

        Assert.Equal(
            ["http://127.0.0.1:8100", "unix:///run/agent.sock"],
            read.Listeners.Select(each => each.Address.Url)
        );
    }

    [Theory]
    [InlineData(
        "cache { persist \"kubernetes\" { path = \"/vault/agent-cache\" keep_after_import = true } }",
        "cache: persist has no effect: a cache is not kept on disk"
    )]
    [InlineData(
        "cache { persist = { type = \"kubernetes\" path = \"/vault/agent-cache\" } }",
        "cache: persist has no effect: a cache is not kept on disk"
    )]
    [InlineData(
        "exec { command = [\"x\"] child_process_stdout = \"/var/log/x\" }",
        "exec: child_process_stdout has no effect: the program writes to the agent's own output"
    )]
    [InlineData("telemetry { statsd_address = \"127.0.0.1:8125\" }", "metrics are not pushed")]
    public void What_a_file_can_do_without_is_warned_of_and_the_rest_runs(string text, string warning)
    {
        Assert.Contains(warning, Assert.Single(Read("agent.hcl", text).Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "vault { adress = \"x\" }",
        "agent.hcl: line 1, column 9: vault: invalid key \"adress\"; did you mean \"address\"?"
    )]
    [InlineData("auto_aut { }", "agent.hcl: line 1, column 1: invalid key \"auto_aut\"; did you mean \"auto_auth\"?")]
    [InlineData(
        "auto_auth { method \"aws\" { config = {} } }",
        "method \"aws\": method \"aws\" is not supported; there are approle"
    )]
    [InlineData(
        "auto_auth { method \"approle\" { config = { secret_id_file_path = \"a\" } } }",
        "config: role_id_file_path is needed"
    )]
    [InlineData("auto_auth { sink \"file\" { config = { path = \"a\" } } }", "auto_auth: method \"…\" { … } is needed")]
    [InlineData(
        "listener \"tcp\" { address = \"127.0.0.1:8100\" }",
        "tls_cert_file and tls_key_file are needed, or tls_disable = true"
    )]
    [InlineData(
        "listener \"tcp\" { tls_disable = true x_forwarded_for_authorized_addrs = \"10.0.0.0/8\" }",
        "is not supported"
    )]
    [InlineData("listener \"secretsmanager\" { address = \"10.1.1.1:2773\" }", "must be one of this machine's own")]
    [InlineData(
        "template { contents = \"x\" source = \"y\" destination = \"z\" }",
        "one of source and contents is needed"
    )]
    [InlineData("exec { command = [] }", "command is needed")]
    [InlineData("exec { command = [\"x\"] restart_stop_signal = \"SIGNOPE\" }", "must be a signal's name")]
    [InlineData("consumer = \"two words\"", "consumer must be a name")]
    [InlineData("log_level = \"loud\"", "log_level must be trace")]
    [InlineData("disable_keep_alives = [\"everything\"]", "there is no feature \"everything\"")]
    [InlineData(
        "auto_auth { method \"jwt\" { wrap_ttl = \"5m\" config = { path = \"a\" role = \"b\" } } }",
        "wrap_ttl is not supported"
    )]
    [InlineData("vault { }\nmayfly { }", "mayfly and vault name the same thing")]
    [InlineData("vault { }\nvault { }", "vault is given twice; it is already on line 1")]
    public void What_is_wrong_is_told_with_its_place(string text, string problem)
    {
        var notes = new ConfigurationNotes();
        _ = ConfigurationFiles.Apply(new AgentConfiguration(), "agent.hcl", text, notes);

        Assert.Contains(notes.Problems, each => each.Contains(problem, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a: [1, 2", "agent.yaml: line 2, column 1: invalid YAML")]
    [InlineData(
        "vault:\n  adress: x",
        "agent.yaml: line 2, column 3: vault: invalid key \"adress\"; did you mean \"address\"?"
    )]
    [InlineData("- a", "expected a mapping")]
    [InlineData("vault: *nowhere", "there is no anchor")]
    [InlineData("vault: {}\n---\nvault: {}", "only one document")]
    public void What_is_wrong_in_yaml_is_told_with_its_place(string text, string problem)
    {
        var notes = new ConfigurationNotes();
        _ = ConfigurationFiles.Apply(new AgentConfiguration(), "agent.yaml", text, notes);

        Assert.Contains(notes.Problems, each => each.Contains(problem, StringComparison.Ordinal));
    }

    [Fact]
    public void Files_and_folders_add_up_and_later_ones_replace()
    {
        using var folder = new AgentFolder();
        folder.Write(
            "1.hcl",
            "vault { address = \"http://one\" }\nlistener \"tcp\" { address = \"127.0.0.1:1\" tls_disable = true }"
        );
        folder.Write(
            "2.yaml",
            "vault: {address: http://two}\nlistener: {tcp: {address: '127.0.0.1:2', tls_disable: true}}"
        );
        folder.Write("readme.txt", "not a configuration");

        var (read, problems) = AgentSettings.From([folder.Path], name => name == "VAULT_NAMESPACE" ? "team" : null);

        Assert.Empty(problems);
        Assert.Equal(("http://two", "team"), (read!.Server.Address, read.Server.Namespace));
        Assert.Equal(2, read.Listeners.Count);
    }

    [Fact]
    public void The_environment_goes_before_files()
    {
        using var folder = new AgentFolder();
        folder.Write(
            "a.hcl",
            "vault { address = \"http://file\" }\nlistener \"tcp\" { address = \"127.0.0.1:1\" tls_disable = true }"
        );

        var (read, _) = AgentSettings.From([folder.Path], name => name == "VAULT_ADDR" ? "http://environment" : null);

        Assert.Equal("http://environment", read!.Server.Address);
    }

    [Fact]
    public void Stanzas_that_do_not_go_together_are_refused()
    {
        using var folder = new AgentFolder();
        var file = folder.Write("a.hcl", "template { contents = \"x\" destination = \"y\" }");

        Assert.Contains(
            "auto_auth is needed",
            AgentSettings.From([file], _ => null).Problems[0],
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void No_jumble_of_yaml_makes_the_reader_throw() =>
        Prop.ForAll(
                Gen.Elements(Pieces).ArrayOf().Select(pieces => string.Concat(pieces)).ToArbitrary(),
                text => YamlDocument.Parse(text) is var (body, error) && body is null != error is null
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    private static string Sink(string file, string mode) =>
        file.EndsWith(".hcl", StringComparison.Ordinal)
            ? $$"""
                auto_auth {
                  method "kubernetes" { config = { role = "app" } }
                  sink "file" { config = { path = "/tmp/a" mode = {{mode}} } }
                }
                """
            : $$"""
                {"auto_auth": { "method": {"kubernetes": {"config": {"role": "app"} } },
                  "sink": {"file": {"config": {"path": "/tmp/a", "mode": {{mode}} } } } } }
                """;

    private static AgentConfiguration Read(string file, string text)
    {
        var notes = new ConfigurationNotes();
        var read = ConfigurationFiles.Apply(new AgentConfiguration(), file, text, notes);
        Assert.Empty(notes.Problems);
        return read with { Warnings = notes.Warnings };
    }
}
