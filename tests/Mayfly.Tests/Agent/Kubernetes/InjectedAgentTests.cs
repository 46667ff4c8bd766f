using System.Text.Json.Nodes;
using Mayfly.Agent.Kubernetes;
using static Mayfly.Tests.Agent.Kubernetes.Review;

namespace Mayfly.Tests.Agent.Kubernetes;

/// <summary>What each annotation does to the agent's containers and their configuration.</summary>
public sealed class InjectedAgentTests
{
    [Fact]
    public void The_agent_runs_with_as_little_as_it_needs()
    {
        var context = Container(Injected(Ours(("agent-inject-secret-a", "s"))), "mayfly-agent")["securityContext"]!;
        Assert.Equal(100, context["runAsUser"]!.GetValue<long>());
        Assert.Equal(1000, context["runAsGroup"]!.GetValue<long>());
        Assert.True(context["runAsNonRoot"]!.GetValue<bool>());
        Assert.True(context["readOnlyRootFilesystem"]!.GetValue<bool>());
        Assert.False(context["allowPrivilegeEscalation"]!.GetValue<bool>());
        Assert.Equal(["ALL"], Texts(context["capabilities"]!["drop"]));
        Assert.Equal("RuntimeDefault", context["seccompProfile"]!["type"]!.GetValue<string>());
    }

    [Fact]
    public void The_user_is_whom_the_annotations_name()
    {
        var pod = Ours(("agent-run-as-user", "2000"), ("agent-run-as-group", "3000"), ("agent-inject-secret-a", "s"));
        var context = Container(Injected(pod), "mayfly-agent")["securityContext"]!;
        Assert.Equal(2000, context["runAsUser"]!.GetValue<long>());
        Assert.Equal(3000, context["runAsGroup"]!.GetValue<long>());

        pod = Ours(("agent-run-as-same-user", "true"), ("agent-inject-secret-a", "s"));
        pod["spec"]!["securityContext"] = new JsonObject { ["runAsUser"] = 4000 };
        Assert.Equal(4000, Container(Injected(pod), "mayfly-agent")["securityContext"]!["runAsUser"]!.GetValue<long>());
        pod["spec"]!["containers"]![0]!["securityContext"] = new JsonObject { ["runAsUser"] = 0 };
        Assert.Contains("as root", Of(pod).Message, StringComparison.Ordinal);

        pod = Ours(("agent-set-security-context", "false"), ("agent-inject-secret-a", "s"));
        Assert.Null(Container(Injected(pod), "mayfly-agent")["securityContext"]);
    }

    [Fact]
    public void Resources_have_defaults_which_an_empty_annotation_takes_away()
    {
        var resources = Container(Injected(Ours(("agent-inject-secret-a", "s"))), "mayfly-agent")["resources"]!;
        Assert.Equal("500m", resources["limits"]!["cpu"]!.GetValue<string>());
        Assert.Equal("128Mi", resources["limits"]!["memory"]!.GetValue<string>());
        Assert.Equal("50m", resources["requests"]!["cpu"]!.GetValue<string>());
        Assert.Equal("64Mi", resources["requests"]!["memory"]!.GetValue<string>());
        Assert.Null(resources["limits"]!["ephemeral-storage"]);

        var pod = Ours(
            ("agent-inject-secret-a", "s"),
            ("agent-limits-cpu", ""),
            ("agent-requests-cpu", ""),
            ("agent-limits-mem", "32Mi"),
            ("agent-limits-ephemeral", "10Mi")
        );
        resources = Container(Injected(pod), "mayfly-agent")["resources"]!;
        Assert.Null(resources["limits"]!["cpu"]);
        Assert.Equal("10Mi", resources["limits"]!["ephemeral-storage"]!.GetValue<string>());
        // More than the limit would be refused by the API server.
        Assert.Equal("32Mi", resources["requests"]!["memory"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("foo", null, null, null, "/vault/secrets/foo")]
    [InlineData("foo", "nested/foofile", null, null, "/vault/secrets/nested/foofile")]
    [InlineData("foo", "/special/volume/foofile", null, null, "/vault/secrets/special/volume/foofile")]
    [InlineData("foo", "name", "/new/mount/path", null, "/new/mount/path/name")]
    [InlineData("foo", "/special/file", "/new/mount/path", null, "/new/mount/path/special/file")]
    [InlineData("foo", "nested/file", null, "/own/path", "/own/path/nested/file")]
    [InlineData("Foo.TXT", null, null, null, "/vault/secrets/foo.txt")]
    public void A_file_lies_where_the_annotations_put_it(
        string name,
        string? file,
        string? all,
        string? own,
        string expected
    )
    {
        var annotations = new List<(string, string)> { ($"agent-inject-secret-{name}", "db/creds/foo") };
        Add($"agent-inject-file-{name}", file);
        Add("secret-volume-path", all);
        Add($"secret-volume-path-{name}", own);
        var pod = Injected(Vaults([.. annotations]));
        Assert.Equal(expected, Destinations(pod, "vault-agent").Single());
        // The application sees the folder that the file lies in.
        Assert.Contains(
            Container(pod, "web")["volumeMounts"]!.AsArray(),
            mount => expected.StartsWith(mount!["mountPath"]!.GetValue<string>() + "/", StringComparison.Ordinal)
        );

        void Add(string annotation, string? value)
        {
            if (value is not null)
            {
                annotations.Add((annotation, value));
            }
        }
    }

    [Fact]
    public void The_case_of_a_name_can_be_kept() =>
        Assert.Equal(
            ["/mayfly/secrets/Db.PEM"],
            Destinations(
                Injected(Ours(("agent-inject-secret-Db.PEM", "s"), ("preserve-secret-case", "true"))),
                "mayfly-agent"
            )
        );

    [Fact]
    public void Two_secrets_in_one_file_are_refused() =>
        Assert.Contains(
            "two secrets would be written to /mayfly/secrets/a",
            Of(Ours(("agent-inject-secret-a", "s"), ("agent-inject-secret-A", "t"))).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_template_stands_alone_or_comes_from_a_file()
    {
        var config = AgentSettings(
            Injected(
                Ours(
                    ("agent-inject-template-a", "{{ with secret \"s\" }}{{ .Data.x }}{{ end }}"),
                    ("agent-inject-secret-b", "s"),
                    ("agent-inject-template-file-b", "/mayfly/custom/b.ctmpl"),
                    ("agent-inject-perms-b", "0400"),
                    ("error-on-missing-key-b", "true"),
                    ("agent-extra-secret", "templates")
                )
            ),
            "mayfly-agent"
        );
        var a = config["template"]![0]!;
        Assert.Equal("{{ with secret \"s\" }}{{ .Data.x }}{{ end }}", a["contents"]!.GetValue<string>());
        var b = config["template"]![1]!;
        Assert.Null(b["contents"]);
        Assert.Equal("/mayfly/custom/b.ctmpl", b["source"]!.GetValue<string>());
        Assert.Equal("0400", b["perms"]!.GetValue<string>());
        Assert.True(b["error_on_missing_key"]!.GetValue<bool>());
    }

    [Fact]
    public void A_path_cannot_leave_its_place_in_the_template()
    {
        const string evil = """x" }}{{ file "/etc/shadow" }}{{ with secret "y\""";
        var contents = AgentSettings(Injected(Ours(("agent-inject-secret-a", evil))), "mayfly-agent")["template"]![0]![
            "contents"
        ]!.GetValue<string>();
        Assert.StartsWith(
            """{{ with secret "x\" }}{{ file \"/etc/shadow\" }}{{ with secret \"y\\" }}""",
            contents,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void No_value_becomes_a_stanza_of_the_configuration()
    {
        const string evil = "x\"}}, \"exec\": {\"command\": [\"/bin/sh\"]}, \"y\": {\"z\": \"";
        var config = AgentSettings(
            Injected(
                Ours(
                    ("agent-inject-secret-a", evil),
                    ("agent-inject-command-a", evil),
                    ("role", evil),
                    ("namespace", evil),
                    ("auth-config-token-path", evil),
                    ("ca-cert", evil)
                )
            ),
            "mayfly-agent"
        );
        Assert.Null(config["exec"]);
        Assert.Equal(evil, config["vault"]!["ca_cert"]!.GetValue<string>());
        Assert.Equal(evil, config["auto_auth"]!["method"]!["config"]!["role"]!.GetValue<string>());
        Assert.Equal(evil, config["template"]![0]!["command"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("auth-type", "aws", "not supported")]
    [InlineData("auth-config-no-such-setting", "x", "no_such_setting")]
    [InlineData("auth-max-backoff", "1ms", "shorter than min_backoff")]
    [InlineData("client-cert", "/mayfly/tls/tls.crt", "belong together")]
    public void What_the_agent_would_refuse_at_its_start_is_refused_before(string annotation, string value, string why)
    {
        var message = Of(Ours(("agent-inject-secret-a", "s"), (annotation, value))).Message;
        Assert.Contains("the agent would not start: ", message, StringComparison.Ordinal);
        Assert.Contains(why, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_group_of_the_pods_volumes_keeps_files_from_everybody_else()
    {
        var pod = Ours(("agent-inject-secret-a", "s"), ("agent-inject-token", "true"));
        pod["spec"]!["securityContext"] = new JsonObject { ["fsGroup"] = 2000 };
        var config = AgentSettings(Injected(pod), "mayfly-agent");
        Assert.Equal("0640", config["template"]![0]!["perms"]!.GetValue<string>());
        Assert.Equal("0640", config["auto_auth"]!["sink"]![1]!["config"]!["mode"]!.GetValue<string>());
        Assert.Equal("0600", config["auto_auth"]!["sink"]![0]!["config"]!["mode"]!.GetValue<string>());
    }

    [Fact]
    public void Only_chosen_containers_see_the_files()
    {
        var pod = Ours(("agent-inject-secret-a", "s"), ("agent-inject-containers", "web"));
        pod["spec"]!["containers"]!.AsArray().Add(new JsonObject { ["name"] = "proxy", ["image"] = "p:1" });
        var patched = Injected(pod);
        Assert.NotNull(Container(patched, "web")["volumeMounts"]);
        Assert.Null(Container(patched, "proxy")["volumeMounts"]);
    }

    [Fact]
    public void The_service_accounts_token_is_the_pods_own_and_short_lived()
    {
        var pod = Injected(Ours(("agent-inject-secret-a", "s"), ("agent-service-account-token-audience", "mayfly")));
        var token = pod["spec"]!["volumes"]!
            .AsArray()
            .Single(volume => volume!["name"]!.GetValue<string>() == "mayfly-agent-token")!["projected"]!["sources"]![
            0
        ]!["serviceAccountToken"]!;
        Assert.Equal("mayfly", token["audience"]!.GetValue<string>());
        Assert.Equal(3600, token["expirationSeconds"]!.GetValue<int>());
        // The application does not get it.
        Assert.DoesNotContain("mayfly-agent-token", Names(Container(pod, "web")["volumeMounts"]));
    }

    [Fact]
    public void The_author_may_bring_the_volume_with_the_token()
    {
        var pod = Ours(("agent-inject-secret-a", "s"), ("agent-service-account-token-volume-name", "identity"));
        pod["spec"]!["volumes"] = JsonNode.Parse(
            """[{"name":"identity","projected":{"sources":[{"serviceAccountToken":{"path":"token"}}]}}]"""
        );
        Assert.Equal(
            "/var/run/secrets/mayfly.dev/serviceaccount/token",
            AgentSettings(Injected(pod), "mayfly-agent")["auto_auth"]!["method"]!["config"]![
                "token_path"
            ]!.GetValue<string>()
        );
        pod["spec"]!["containers"]![0]!["volumeMounts"] = JsonNode.Parse(
            """[{"name":"identity","mountPath":"/var/run/identity"}]"""
        );
        Assert.Equal(
            "/var/run/identity/token",
            AgentSettings(Injected(pod), "mayfly-agent")["auto_auth"]!["method"]!["config"]![
                "token_path"
            ]!.GetValue<string>()
        );
    }

    [Fact]
    public void Other_methods_get_their_settings_and_no_service_account()
    {
        var pod = Injected(
            Pod(
                ("mayfly.dev/agent-inject", "true"),
                ("mayfly.dev/agent-inject-secret-a", "s"),
                ("mayfly.dev/auth-type", "approle"),
                ("mayfly.dev/auth-path", "auth/approle"),
                ("mayfly.dev/auth-config-role-id-file-path", "/mayfly/custom/role-id"),
                ("mayfly.dev/auth-config-remove-secret-id-file-after-reading", "false"),
                ("mayfly.dev/agent-extra-secret", "approle")
            )
        );
        var method = AgentSettings(pod, "mayfly-agent")["auto_auth"]!["method"]!;
        Assert.Equal("approle", method["type"]!.GetValue<string>());
        Assert.Equal("/mayfly/custom/role-id", method["config"]!["role_id_file_path"]!.GetValue<string>());
        Assert.False(method["config"]!["remove_secret_id_file_after_reading"]!.GetValue<bool>());
        Assert.Null(method["config"]!["token_path"]);
        Assert.DoesNotContain("mayfly-agent-token", Names(pod["spec"]!["volumes"]));
    }

    [Fact]
    public void Connection_settings_reach_the_agent()
    {
        var pod = Injected(
            Ours(
                ("agent-inject-secret-a", "s"),
                ("service", "https://elsewhere:8300"),
                ("namespace", "team"),
                ("tls-secret", "mayfly-tls"),
                ("ca-cert", "/mayfly/tls/ca.crt"),
                ("client-cert", "/mayfly/tls/tls.crt"),
                ("client-key", "/mayfly/tls/tls.key"),
                ("tls-server-name", "mayfly"),
                ("tls-skip-verify", "true"),
                ("client-max-retries", "0"),
                ("client-timeout", "30s"),
                ("proxy-address", "http://proxy:3128"),
                ("go-max-procs", "1"),
                ("auth-min-backoff", "2s"),
                ("auth-max-backoff", "1m"),
                ("agent-auto-auth-exit-on-err", "true"),
                ("template-static-secret-render-interval", "1m"),
                ("template-max-connections-per-host", "5"),
                ("template-config-exit-on-retry-failure", "false")
            )
        );
        var config = AgentSettings(pod, "mayfly-agent");
        var server = config["vault"]!;
        Assert.Equal("https://elsewhere:8300", server["address"]!.GetValue<string>());
        Assert.Equal("team", server["namespace"]!.GetValue<string>());
        Assert.Equal("/mayfly/tls/ca.crt", server["ca_cert"]!.GetValue<string>());
        Assert.Equal("/mayfly/tls/tls.crt", server["client_cert"]!.GetValue<string>());
        Assert.Equal("/mayfly/tls/tls.key", server["client_key"]!.GetValue<string>());
        Assert.Equal("mayfly", server["tls_server_name"]!.GetValue<string>());
        Assert.True(server["tls_skip_verify"]!.GetValue<bool>());
        Assert.Equal(-1, server["retry"]!["num_retries"]!.GetValue<int>());
        Assert.Equal("2s", config["auto_auth"]!["method"]!["min_backoff"]!.GetValue<string>());
        Assert.Equal("1m", config["auto_auth"]!["method"]!["max_backoff"]!.GetValue<string>());
        Assert.True(config["auto_auth"]!["method"]!["exit_on_err"]!.GetValue<bool>());
        Assert.False(config["template_config"]!["exit_on_retry_failure"]!.GetValue<bool>());
        Assert.Equal("1m", config["template_config"]!["static_secret_render_interval"]!.GetValue<string>());
        Assert.Equal(5, config["template_config"]!["max_connections_per_host"]!.GetValue<int>());
        var agent = Container(pod, "mayfly-agent");
        Assert.Equal("30s", Variable(agent, "MAYFLY_CLIENT_TIMEOUT"));
        Assert.Equal("http://proxy:3128", Variable(agent, "HTTPS_PROXY"));
        Assert.Equal("1", Variable(agent, "DOTNET_PROCESSOR_COUNT"));
        Assert.Contains("mayfly-tls-secrets", Names(agent["volumeMounts"]));
    }

    [Fact]
    public void A_config_map_brings_the_whole_configuration()
    {
        var pod = Injected(Pod(("mayfly.dev/agent-inject", "true"), ("mayfly.dev/agent-configmap", "my-config")));
        Assert.Equal(["mayfly-agent-init", "mayfly-agent"], Names(pod["spec"]!["initContainers"]));
        Assert.Contains("-config=/mayfly/configs/config-init.hcl", Texts(Container(pod, "mayfly-agent-init")["args"]));
        var agent = Container(pod, "mayfly-agent");
        Assert.Contains("-config=/mayfly/configs/config.hcl", Texts(agent["args"]));
        Assert.Null(Variable(agent, "MAYFLY_AGENT_CONFIG"));
        Assert.Equal("https://mayfly.mayfly.svc:8200", Variable(agent, "MAYFLY_ADDR"));
    }

    [Fact]
    public void The_listener_is_on_the_pods_loopback_alone()
    {
        var pod = Injected(
            Vaults(
                ("agent-cache-enable", "true"),
                ("agent-cache-use-auto-auth-token", "force"),
                ("agent-cache-listener-port", "8100"),
                ("agent-enable-quit", "true")
            )
        );
        var config = AgentSettings(pod, "vault-agent");
        var listener = Assert.Single(config["listener"]!.AsArray())!;
        Assert.Equal("127.0.0.1:8100", listener["address"]!.GetValue<string>());
        Assert.True(listener["agent_api"]!["enable_quit"]!.GetValue<bool>());
        Assert.Equal("force", config["api_proxy"]!["use_auto_auth_token"]!.GetValue<string>());
        Assert.Null(AgentSettings(pod, "vault-agent-init")["listener"]);
    }

    [Fact]
    public void The_token_is_revoked_at_the_end_when_asked_for()
    {
        var pod = Injected(
            Ours(
                ("agent-inject-secret-a", "s"),
                ("agent-revoke-on-shutdown", "true"),
                ("agent-revoke-grace", "7"),
                ("namespace", "team"),
                ("ca-cert", "/x'; rm -rf $HOME; '")
            )
        );
        Assert.Equal(
            [
                "/bin/sh",
                "-c",
                "sleep 7; exec \"$@\"",
                "sh",
                "mayfly",
                "token",
                "revoke",
                "-self",
                "-namespace=team",
                "-ca-cert=/x'; rm -rf $HOME; '",
            ],
            Texts(Container(pod, "mayfly-agent")["lifecycle"]!["preStop"]!["exec"]!["command"])
        );
    }

    [Fact]
    public void Mounts_of_another_container_are_copied_except_its_service_account()
    {
        var pod = Ours(("agent-inject-secret-a", "s"), ("agent-copy-volume-mounts", "web"));
        pod["spec"]!["volumes"] = JsonNode.Parse(
            """[{"name":"data","emptyDir":{}},{"name":"kube-api","emptyDir":{}}]"""
        );
        pod["spec"]!["containers"]![0]!["volumeMounts"] = JsonNode.Parse(
            """
            [
              {"name":"data","mountPath":"/data"},
              {"name":"kube-api","mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}
            ]
            """
        );
        var mounts = Names(Container(Injected(pod), "mayfly-agent")["volumeMounts"]);
        Assert.Contains("data", mounts);
        Assert.DoesNotContain("kube-api", mounts);
    }

    [Fact]
    public void A_patch_of_the_author_changes_the_agents_container()
    {
        var pod = Injected(
            Vaults(
                ("agent-inject-secret-a", "s"),
                ("agent-json-patch", """[{"op":"replace","path":"/name","value":"other"}]"""),
                ("agent-init-json-patch", """[{"op":"replace","path":"/securityContext/runAsUser","value":7}]""")
            )
        );
        Assert.Equal(["web", "other"], Names(pod["spec"]!["containers"]));
        Assert.Equal(7, Container(pod, "vault-agent-init")["securityContext"]!["runAsUser"]!.GetValue<int>());
    }

    [Fact]
    public void The_process_namespace_is_shared_when_asked_for()
    {
        var pod = Injected(Ours(("agent-inject-secret-a", "s"), ("agent-share-process-namespace", "true")));
        Assert.True(pod["spec"]!["shareProcessNamespace"]!.GetValue<bool>());
        Assert.Null(Injected(Ours(("agent-inject-secret-a", "s")))["spec"]!["shareProcessNamespace"]);
    }

    [Fact]
    public void An_image_without_mayfly_is_passed_over_with_a_warning()
    {
        var review = Of(Vaults(("agent-inject-secret-a", "s"), ("agent-image", "docker.io/hashicorp/vault:1.21.1")));
        var agent = Container(review.Patched(), "vault-agent");
        Assert.Equal("registry.example/mayfly:1", agent["image"]!.GetValue<string>());
        Assert.Contains("agent-image", Assert.Single(review.Warnings));
        Assert.Equal(
            "registry.example/other:2",
            Container(
                Injected(Vaults(("agent-inject-secret-a", "s"), ("agent-image", "registry.example/other:2"))),
                "vault-agent"
            )["image"]!.GetValue<string>()
        );
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("250m", 0.25)]
    [InlineData("1.5", 1.5)]
    [InlineData("64Mi", 67_108_864)]
    [InlineData("2e3", 2_000)]
    [InlineData("1E", 1e18)]
    [InlineData(".5k", 500)]
    public void Quantities_are_read_as_kubernetes_reads_them(string text, double amount)
    {
        Assert.True(Quantity.TryParse(text, out var read));
        Assert.Equal(amount, read, precision: 6);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("1mi")]
    [InlineData("128mb")]
    [InlineData("1 Mi")]
    [InlineData("1Mi\n")]
    [InlineData("e3")]
    [InlineData("1e999")]
    public void What_is_no_quantity_is_refused(string text) => Assert.False(Quantity.TryParse(text, out _));

    private static IEnumerable<string> Destinations(JsonObject pod, string container) =>
        AgentSettings(pod, container)["template"]!.AsArray().Select(file => file!["destination"]!.GetValue<string>());
}
