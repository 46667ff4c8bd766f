using System.Text;
using System.Text.Json.Nodes;
using Mayfly.Agent.Kubernetes;
using static Mayfly.Tests.Agent.Kubernetes.Review;

namespace Mayfly.Tests.Agent.Kubernetes;

public sealed class AdmissionTests
{
    [Fact]
    public void A_pod_that_asks_gets_a_native_sidecar_which_renders_before_it_starts()
    {
        var pod = Injected(Ours(("agent-inject-secret-db", "secret/data/shop/db")));
        Assert.Equal(["mayfly-agent"], Names(pod["spec"]!["initContainers"]));
        Assert.Equal(["web"], Names(pod["spec"]!["containers"]));
        var agent = Container(pod, "mayfly-agent");
        Assert.Equal("Always", agent["restartPolicy"]!.GetValue<string>());
        Assert.Equal(["ls", "-d", "--", "/mayfly/secrets/db"], Texts(agent["startupProbe"]!["exec"]!["command"]));
        Assert.Equal("registry.example/mayfly:1", agent["image"]!.GetValue<string>());
        var mount = Assert.Single(Container(pod, "web")["volumeMounts"]!.AsArray())!;
        Assert.Equal("/mayfly/secrets", mount["mountPath"]!.GetValue<string>());
        Assert.True(mount["readOnly"]!.GetValue<bool>());
        var volume = pod["spec"]!["volumes"]!
            .AsArray()
            .Single(volume => volume!["name"]!.GetValue<string>() == "mayfly-secrets");
        Assert.Equal("Memory", volume!["emptyDir"]!["medium"]!.GetValue<string>());
        Assert.Equal(
            "injected",
            pod["metadata"]!["annotations"]!["mayfly.dev/agent-inject-status"]!.GetValue<string>()
        );
    }

    [Fact]
    public void Vaults_annotations_give_what_vaults_injector_gives()
    {
        var pod = Injected(
            Vaults(
                ("agent-inject-secret-Db", "secret/data/shop/db"),
                ("agent-inject-token", "true"),
                ("agent-inject-command-Db", "pkill -HUP web")
            )
        );
        Assert.Equal(["vault-agent-init"], Names(pod["spec"]!["initContainers"]));
        Assert.Equal(["web", "vault-agent"], Names(pod["spec"]!["containers"]));
        Assert.Equal("/vault/secrets", Container(pod, "web")["volumeMounts"]![0]!["mountPath"]!.GetValue<string>());
        Assert.Equal(
            "injected",
            pod["metadata"]!["annotations"]!["vault.hashicorp.com/agent-inject-status"]!.GetValue<string>()
        );

        var first = AgentSettings(pod, "vault-agent-init");
        Assert.True(first["exit_after_auth"]!.GetValue<bool>());
        Assert.Equal("https://mayfly.mayfly.svc:8200", first["vault"]!["address"]!.GetValue<string>());
        var method = first["auto_auth"]!["method"]!;
        Assert.Equal("kubernetes", method["type"]!.GetValue<string>());
        Assert.Equal("auth/kubernetes", method["mount_path"]!.GetValue<string>());
        Assert.Equal("web", method["config"]!["role"]!.GetValue<string>());
        Assert.Equal(
            "/var/run/secrets/vault.hashicorp.com/serviceaccount/token",
            method["config"]!["token_path"]!.GetValue<string>()
        );
        Assert.Equal(
            ["/home/vault/.vault-token", "/vault/secrets/token"],
            first["auto_auth"]!["sink"]!.AsArray().Select(sink => sink!["config"]!["path"]!.GetValue<string>())
        );
        var template = Assert.Single(first["template"]!.AsArray())!;
        Assert.Equal("/vault/secrets/db", template["destination"]!.GetValue<string>());
        Assert.Equal("0644", template["perms"]!.GetValue<string>());
        Assert.Equal("pkill -HUP web", template["command"]!.GetValue<string>());
        Assert.Contains("with secret \"secret/data/shop/db\"", template["contents"]!.GetValue<string>());
        Assert.True(first["template_config"]!["exit_on_retry_failure"]!.GetValue<bool>());

        Assert.Null(AgentSettings(pod, "vault-agent")["exit_after_auth"]);
    }

    [Fact]
    public void Where_both_are_given_ours_wins()
    {
        var pod = Ours(("agent-inject-secret-db", "secret/data/ours"));
        var annotations = pod["metadata"]!["annotations"]!;
        annotations["vault.hashicorp.com/agent-inject"] = "true";
        annotations["vault.hashicorp.com/role"] = "other";
        annotations["vault.hashicorp.com/agent-inject-secret-db"] = "secret/data/vaults";
        annotations["vault.hashicorp.com/log-level"] = "debug";
        var patched = Injected(pod);
        var config = AgentSettings(patched, "mayfly-agent");
        Assert.Equal("web", config["auto_auth"]!["method"]!["config"]!["role"]!.GetValue<string>());
        Assert.Contains("secret/data/ours", config["template"]![0]!["contents"]!.GetValue<string>());
        Assert.Contains("-log-level=debug", Texts(Container(patched, "mayfly-agent")["args"]));
    }

    [Theory]
    [InlineData("vault.hashicorp.com/", false)]
    [InlineData("mayfly.dev/", true)]
    public void A_sidecar_is_native_as_the_annotation_says(string prefix, bool byDefault)
    {
        Assert.Equal(byDefault, IsNative(Asked()));
        Assert.True(IsNative(Asked("true")));
        Assert.False(IsNative(Asked("false")));
        Assert.True(IsNative(Asked(), NativeSidecars.All));
        Assert.False(IsNative(Asked(), NativeSidecars.None));

        JsonObject Asked(string? native = null)
        {
            var pod = Pod(
                (prefix + "agent-inject", "true"),
                (prefix + "role", "web"),
                (prefix + "agent-inject-secret-a", "secret/data/a")
            );
            if (native is not null)
            {
                pod["metadata"]!["annotations"]![prefix + "agent-inject-native-sidecar"] = native;
            }

            return pod;
        }

        static bool IsNative(JsonObject asked, NativeSidecars native = NativeSidecars.Own)
        {
            var pod = Injected(asked, new InjectorDefaults { Address = "http://mayfly:8200", NativeSidecars = native });
            // Nothing but the author's own container is left to end: a Job ends with it.
            return Names(pod["spec"]!["containers"]).Count == 1;
        }
    }

    [Fact]
    public void Only_pre_populating_leaves_no_container_that_goes_on()
    {
        var pod = Injected(Ours(("agent-inject-secret-a", "secret/data/a"), ("agent-pre-populate-only", "true")));
        var init = Assert.Single(pod["spec"]!["initContainers"]!.AsArray())!;
        Assert.Equal("mayfly-agent-init", init["name"]!.GetValue<string>());
        Assert.Null(init["restartPolicy"]);
        Assert.Single(pod["spec"]!["containers"]!.AsArray());
    }

    [Fact]
    public void Without_pre_populating_nothing_waits_for_files()
    {
        var vaults = Injected(Vaults(("agent-inject-secret-a", "secret/data/a"), ("agent-pre-populate", "false")));
        Assert.Null(vaults["spec"]!["initContainers"]);
        var ours = Injected(Ours(("agent-inject-secret-a", "secret/data/a"), ("agent-pre-populate", "false")));
        Assert.Null(Container(ours, "mayfly-agent")["startupProbe"]);
    }

    [Fact]
    public void Init_containers_of_the_author_get_the_files_and_keep_their_order()
    {
        var pod = Vaults(("agent-inject-secret-a", "secret/data/a"));
        pod["spec"]!["initContainers"] = JsonNode.Parse(
            """[{"name":"migrate","image":"m:1"},{"name":"warm","image":"w:1","volumeMounts":[]}]"""
        );
        Assert.Equal(["migrate", "warm", "vault-agent-init"], Names(Injected(pod)["spec"]!["initContainers"]));

        pod["metadata"]!["annotations"]!["vault.hashicorp.com/agent-init-first"] = "true";
        var first = Injected(pod);
        Assert.Equal(["vault-agent-init", "migrate", "warm"], Names(first["spec"]!["initContainers"]));
        foreach (var name in new[] { "migrate", "warm", "web" })
        {
            Assert.Equal(["vault-secrets"], Names(Container(first, name)["volumeMounts"]));
        }

        pod["metadata"]!["annotations"]!["vault.hashicorp.com/agent-inject-native-sidecar"] = "true";
        Assert.Equal(["vault-agent", "migrate", "warm"], Names(Injected(pod)["spec"]!["initContainers"]));
    }

    [Fact]
    public void Volumes_and_mounts_that_are_there_stay()
    {
        var pod = Ours(("agent-inject-secret-a", "secret/data/a"));
        pod["spec"]!["volumes"] = JsonNode.Parse("""[{"name":"data","emptyDir":{}}]""");
        pod["spec"]!["containers"]![0]!["volumeMounts"] = JsonNode.Parse("""[{"name":"data","mountPath":"/data"}]""");
        var patched = Injected(pod);
        Assert.Equal("data", Names(patched["spec"]!["volumes"])[0]);
        Assert.Equal(["data", "mayfly-secrets"], Names(Container(patched, "web")["volumeMounts"]));
    }

    [Theory]
    [InlineData("mayfly.dev/agent-inject-status")]
    [InlineData("vault.hashicorp.com/agent-inject-status")]
    public void A_pod_is_injected_once(string status)
    {
        var pod = Vaults(("agent-inject-secret-a", "secret/data/a"));
        pod["metadata"]!["annotations"]![status] = "injected";
        AssertUntouched(Of(pod));
    }

    [Fact]
    public void What_was_injected_is_left_alone_the_second_time() =>
        AssertUntouched(Of(Injected(Ours(("agent-inject-secret-a", "secret/data/a")))));

    [Fact]
    public void Pods_that_do_not_ask_are_left_alone()
    {
        AssertUntouched(Of(Pod()));
        AssertUntouched(Of(Pod(("mayfly.dev/agent-inject", "false"), ("mayfly.dev/role", "web"))));
        AssertUntouched(Of(Pod(("mayfly.dev/agent-inject", "false"), ("vault.hashicorp.com/agent-inject", "true"))));
        AssertUntouched(Of(Ours(), operation: "UPDATE"));
        AssertUntouched(Of(Ours(), resource: "deployments"));
        AssertUntouched(Of(Pod(("mayfly.dev/agent-inject", "true"), ("kubernetes.io/config.mirror", "a1b2"))));
    }

    [Fact]
    public void The_older_version_is_answered_in_its_own_words()
    {
        var pod = Ours(("agent-inject-secret-a", "secret/data/a"));
        Assert.NotNull(Of(pod, version: "admission.k8s.io/v1beta1").Patched());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"kind":"Pod"}""")]
    [InlineData("""{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v2","request":{"uid":"1"}}""")]
    [InlineData("""{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}""")]
    [InlineData("""{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{}}""")]
    [InlineData("""{"kind":"AdmissionReview","kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}""")]
    [InlineData(
        """{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"1","operation":"CREATE","resource":{"resource":"pods"}}}"""
    )]
    public void What_is_no_review_is_refused(string body)
    {
        var answer = new Admission(new InjectorDefaults()).Answer(Encoding.UTF8.GetBytes(body));
        Assert.Equal(400, answer.Status);
        Assert.NotEmpty(JsonNode.Parse(answer.Body)!["error"]!.GetValue<string>());
    }

    [Fact]
    public void Text_that_is_not_utf8_is_refused() =>
        Assert.Equal(400, new Admission(new InjectorDefaults()).Answer(new byte[] { 0x22, 0xff, 0xfe, 0x22 }).Status);

    [Fact]
    public void Nesting_without_end_is_refused() =>
        Assert.Equal(
            400,
            new Admission(new InjectorDefaults()).Answer(Encoding.UTF8.GetBytes(new string('[', 100_000))).Status
        );

    [Fact]
    public void An_annotation_that_nobody_knows_is_warned_of()
    {
        var review = Of(Ours(("agent-inject-secret-a", "secret/data/a"), ("agent-inject-sercet-b", "x")));
        Assert.NotNull(review.Patched());
        Assert.Contains("mayfly.dev/agent-inject-sercet-b", Assert.Single(review.Warnings));
    }

    [Fact]
    public void A_companion_without_its_secret_is_warned_of()
    {
        var review = Of(Ours(("agent-inject-secret-a", "secret/data/a"), ("agent-inject-perms-b", "0600")));
        Assert.Contains("agent-inject-perms-b", Assert.Single(review.Warnings));
    }

    [Theory]
    [InlineData("agent-inject-secret-a", "", "path of a secret")]
    [InlineData("agent-inject-secret-a", "a\nb", "one line")]
    [InlineData("agent-inject-file-x", "../../etc/cron.d/x", "without . or ..")]
    [InlineData("agent-inject-file-x", "..", "without . or ..")]
    [InlineData("secret-volume-path", "relative", "absolute path")]
    [InlineData("secret-volume-path", "/a/../../proc", "without . or ..")]
    [InlineData("secret-volume-path", "/proc/self", "folder of the system")]
    [InlineData("secret-volume-path", "/etc", "folder of the system")]
    [InlineData("secret-volume-path", "/", "below /")]
    [InlineData("secret-volume-path-x", "/a:/b", "without colons")]
    [InlineData("agent-inject-perms-x", "rw-r--r--", "octal")]
    [InlineData("agent-inject-perms-x", "0888", "octal")]
    [InlineData("agent-inject-template-file-x", "relative.ctmpl", "absolute path")]
    [InlineData("agent-inject-default-template", "yaml", "map or json")]
    [InlineData("agent-inject-template-x", "{{ with secret \"s\" }}", "is no template: line 1")]
    [InlineData("agent-inject-template-x", "a\n{{ nosuchfunction }}", "line 2")]
    [InlineData("agent-pre-populate-only", "perhaps", "true or false")]
    [InlineData("agent-limits-cpu", "500mi", "quantity")]
    [InlineData("agent-limits-mem", "128mb", "quantity")]
    [InlineData("agent-requests-mem", "1Gi", "not be more than the limit")]
    [InlineData("agent-run-as-user", "root", "whole number")]
    [InlineData("agent-run-as-user", "-1", "whole number")]
    [InlineData("agent-run-as-same-user", "true", "runAsUser")]
    [InlineData("agent-cache-listener-port", "80000", "65535")]
    [InlineData("agent-configmap", "Not_A_Name", "Kubernetes object")]
    [InlineData("agent-extra-secret", "../secret", "Kubernetes object")]
    [InlineData("agent-inject-containers", "web,other", "no container of the pod")]
    [InlineData("agent-copy-volume-mounts", "other", "no container of the pod")]
    [InlineData("agent-service-account-token-volume-name", "other", "no volume of the pod")]
    [InlineData("agent-json-patch", "{}", "list of operations")]
    [InlineData("agent-json-patch", "nonsense", "must be JSON")]
    [InlineData("agent-json-patch", """[{"op":"remove","path":"/nothing"}]""", "nothing at /nothing")]
    [InlineData("agent-json-patch", """[{"op":"remove","path":"/name"}]""", "a container with a name")]
    [InlineData("service", "mayfly", "must be an address")]
    [InlineData("service", "https://user:password@mayfly", "must be an address")]
    [InlineData("log-level", "loud", "trace or debug or info or warn or error")]
    [InlineData("client-timeout", "soon", "duration")]
    [InlineData("agent-revoke-grace", "2h", "at most an hour")]
    [InlineData("agent-disable-keep-alives", "everything", "auto-auth")]
    [InlineData("agent-image", "two words", "name of an image")]
    public void Wrong_values_refuse_the_pod_and_say_why(string annotation, string value, string why)
    {
        var pod = Ours(("agent-inject-secret-x", "secret/data/x"), (annotation, value));
        var review = Of(pod);
        Assert.False(review.Allowed);
        Assert.Null(review.Response["patch"]);
        Assert.Contains(why, review.Message, StringComparison.Ordinal);
        Assert.Contains(annotation, review.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("password", review.Message, StringComparison.Ordinal);
        Assert.Equal(422, review.Response["status"]!["code"]!.GetValue<int>());

        var admitted = Of(pod, new InjectorDefaults { Address = "http://mayfly:8200", AdmitInvalid = true });
        Assert.True(admitted.Allowed);
        Assert.Null(admitted.Response["patch"]);
        Assert.Contains(admitted.Warnings, warning => warning.Contains(why, StringComparison.Ordinal));
    }

    [Fact]
    public void Everything_that_is_wrong_is_told_at_once()
    {
        var review = Of(Pod(("mayfly.dev/agent-inject", "true"), ("mayfly.dev/agent-run-as-group", "x")));
        Assert.Contains("no role", review.Message, StringComparison.Ordinal);
        Assert.Contains("agent-run-as-group", review.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_server_the_pod_is_refused() =>
        Assert.Contains("no server", Of(Ours(), new InjectorDefaults()).Message, StringComparison.Ordinal);

    [Fact]
    public void Pods_of_kubernetes_itself_are_refused() =>
        Assert.Contains("own namespaces", Of(Ours(), space: "kube-system").Message, StringComparison.Ordinal);

    [Fact]
    public void Pods_for_windows_are_refused()
    {
        var pod = Ours(("agent-inject-secret-a", "secret/data/a"));
        pod["spec"]!["os"] = new JsonObject { ["name"] = "windows" };
        Assert.Contains("Windows", Of(pod).Message, StringComparison.Ordinal);
        pod["spec"]!.AsObject().Remove("os");
        pod["spec"]!["nodeSelector"] = new JsonObject { ["kubernetes.io/os"] = "windows" };
        Assert.Contains("Windows", Of(pod).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void On_the_nodes_network_files_come_and_no_listener_opens()
    {
        var pod = Ours(("agent-inject-secret-a", "secret/data/a"));
        pod["spec"]!["hostNetwork"] = true;
        Assert.NotNull(Injected(pod));
        pod["metadata"]!["annotations"]!["mayfly.dev/agent-cache-enable"] = "true";
        Assert.Contains("every process of the node", Of(pod).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_that_are_taken_refuse_the_pod()
    {
        var pod = Ours(("agent-inject-secret-a", "secret/data/a"));
        pod["spec"]!["containers"]!.AsArray().Add(new JsonObject { ["name"] = "mayfly-agent", ["image"] = "x" });
        pod["spec"]!["volumes"] = JsonNode.Parse("""[{"name":"mayfly-secrets","emptyDir":{}}]""");
        var message = Of(pod).Message;
        Assert.Contains("a container named mayfly-agent", message, StringComparison.Ordinal);
        Assert.Contains("a volume named mayfly-secrets", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_configuration_that_no_environment_takes_is_refused()
    {
        var pod = Ours(("agent-inject-template-a", new string('x', 120_000)));
        Assert.Contains("no environment takes", Of(pod).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Anything_in_a_review_is_answered()
    {
        // Every place of a good review with every kind of value in it: an answer, never an exception.
        JsonNode?[] values = [null, 1, true, "", "x", new JsonObject(), new JsonArray(), new JsonArray(1, "x")];
        var admission = new Admission(new InjectorDefaults { Address = "http://mayfly:8200" });
        var whole = JsonNode.Parse(
            Document(Ours(("agent-inject-secret-a", "secret/data/a"), ("agent-copy-volume-mounts", "web")))
        )!;
        var places = new List<string>();
        Collect(whole, "", places);
        Assert.True(places.Count > 20);
        foreach (var place in places)
        {
            foreach (var value in values)
            {
                var patch = new JsonArray(
                    new JsonObject
                    {
                        ["op"] = "replace",
                        ["path"] = place,
                        ["value"] = value?.DeepClone(),
                    }
                );
                var body = JsonPatch.Apply(whole, patch)!.ToJsonString();
                var answer = admission.Answer(Encoding.UTF8.GetBytes(body));
                Assert.True(answer.Status is 200 or 400, body);
            }
        }

        static void Collect(JsonNode? node, string at, List<string> places)
        {
            if (at.Length > 0)
            {
                places.Add(at);
            }

            if (node is JsonObject parent)
            {
                foreach (var (name, member) in parent)
                {
                    Collect(member, $"{at}/{JsonPatch.Escape(name)}", places);
                }
            }
            else if (node is JsonArray list)
            {
                for (var i = 0; i < list.Count; i++)
                {
                    Collect(list[i], $"{at}/{i}", places);
                }
            }
        }
    }

    private static void AssertUntouched(Review review)
    {
        Assert.True(review.Allowed);
        Assert.Null(review.Response["patch"]);
    }
}
