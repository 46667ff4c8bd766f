using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Mayfly.Tests.Agent.Kubernetes;

/// <summary>
/// What an API server checks of a pod before it takes it, as far as the injector writes it: the names and kinds of fields
/// (core/v1), references between them, and names that may stand once.
/// </summary>
internal static partial class PodForm
{
    private enum Kind
    {
        Text,
        Number,
        Boolean,
        Map,
    }

    private sealed record Shape(Dictionary<string, object> Fields);

    private sealed record ListOf(object Item);

    private static readonly Shape Exec = new(new() { ["command"] = new ListOf(Kind.Text) });
    private static readonly Shape Handler = new(new() { ["exec"] = Exec });

    private static readonly Shape SecurityContext = new(
        new()
        {
            ["runAsUser"] = Kind.Number,
            ["runAsGroup"] = Kind.Number,
            ["fsGroup"] = Kind.Number,
            ["runAsNonRoot"] = Kind.Boolean,
            ["readOnlyRootFilesystem"] = Kind.Boolean,
            ["allowPrivilegeEscalation"] = Kind.Boolean,
            ["capabilities"] = new Shape(new() { ["drop"] = new ListOf(Kind.Text) }),
            ["seccompProfile"] = new Shape(new() { ["type"] = Kind.Text }),
        }
    );

    private static readonly Shape Container = new(
        new()
        {
            ["name"] = Kind.Text,
            ["image"] = Kind.Text,
            ["command"] = new ListOf(Kind.Text),
            ["args"] = new ListOf(Kind.Text),
            ["env"] = new ListOf(
                new Shape(
                    new()
                    {
                        ["name"] = Kind.Text,
                        ["value"] = Kind.Text,
                        ["valueFrom"] = new Shape(
                            new() { ["fieldRef"] = new Shape(new() { ["fieldPath"] = Kind.Text }) }
                        ),
                    }
                )
            ),
            ["volumeMounts"] = new ListOf(
                new Shape(
                    new()
                    {
                        ["name"] = Kind.Text,
                        ["mountPath"] = Kind.Text,
                        ["readOnly"] = Kind.Boolean,
                    }
                )
            ),
            ["resources"] = new Shape(new() { ["limits"] = Kind.Map, ["requests"] = Kind.Map }),
            ["securityContext"] = SecurityContext,
            ["restartPolicy"] = Kind.Text,
            ["startupProbe"] = new Shape(
                new()
                {
                    ["exec"] = Exec,
                    ["periodSeconds"] = Kind.Number,
                    ["timeoutSeconds"] = Kind.Number,
                    ["failureThreshold"] = Kind.Number,
                }
            ),
            ["lifecycle"] = new Shape(new() { ["preStop"] = Handler }),
        }
    );

    private static readonly Shape Volume = new(
        new()
        {
            ["name"] = Kind.Text,
            ["emptyDir"] = new Shape(new() { ["medium"] = Kind.Text }),
            ["configMap"] = new Shape(new() { ["name"] = Kind.Text }),
            ["secret"] = new Shape(new() { ["secretName"] = Kind.Text }),
            ["projected"] = new Shape(
                new()
                {
                    ["sources"] = new ListOf(
                        new Shape(
                            new()
                            {
                                ["serviceAccountToken"] = new Shape(
                                    new()
                                    {
                                        ["path"] = Kind.Text,
                                        ["audience"] = Kind.Text,
                                        ["expirationSeconds"] = Kind.Number,
                                    }
                                ),
                            }
                        )
                    ),
                }
            ),
        }
    );

    private static readonly Shape Pod = new(
        new()
        {
            ["apiVersion"] = Kind.Text,
            ["kind"] = Kind.Text,
            ["metadata"] = new Shape(
                new()
                {
                    ["name"] = Kind.Text,
                    ["generateName"] = Kind.Text,
                    ["namespace"] = Kind.Text,
                    ["annotations"] = Kind.Map,
                    ["labels"] = Kind.Map,
                }
            ),
            ["spec"] = new Shape(
                new()
                {
                    ["containers"] = new ListOf(Container),
                    ["initContainers"] = new ListOf(Container),
                    ["volumes"] = new ListOf(Volume),
                    ["serviceAccountName"] = Kind.Text,
                    ["restartPolicy"] = Kind.Text,
                    ["hostNetwork"] = Kind.Boolean,
                    ["shareProcessNamespace"] = Kind.Boolean,
                    ["securityContext"] = SecurityContext,
                }
            ),
        }
    );

    public static void Check(JsonNode pod)
    {
        Check(pod, Pod, "");
        var spec = pod["spec"]!;
        var volumes = Names(spec["volumes"]);
        AssertOnce(volumes, "volumes");
        var init = spec["initContainers"] as JsonArray ?? [];
        var containers = spec["containers"]!.AsArray();
        AssertOnce(Names(init).Concat(Names(containers)), "containers");
        foreach (var container in init.Concat(containers))
        {
            var mounts = container!["volumeMounts"] as JsonArray ?? [];
            AssertOnce(mounts.Select(mount => mount!["mountPath"]!.GetValue<string>()), "mount paths");
            foreach (var mount in mounts)
            {
                Assert.Contains(mount!["name"]!.GetValue<string>(), volumes);
                Assert.StartsWith("/", mount["mountPath"]!.GetValue<string>(), StringComparison.Ordinal);
                Assert.DoesNotContain("..", mount["mountPath"]!.GetValue<string>(), StringComparison.Ordinal);
            }

            foreach (var variable in container["env"] as JsonArray ?? [])
            {
                Assert.True(
                    variable!["value"] is null != variable["valueFrom"] is null,
                    "a variable has a value or a source"
                );
            }
        }

        Assert.All(containers, container => Assert.Null(container!["restartPolicy"]));
        Assert.All(
            init.Where(container => container!["restartPolicy"] is not null),
            container => Assert.Equal("Always", container!["restartPolicy"]!.GetValue<string>())
        );
        // Without it, an init container may have neither.
        Assert.All(
            init.Where(container => container!["restartPolicy"] is null),
            container => Assert.True(container!["startupProbe"] is null && container["lifecycle"] is null)
        );
        Assert.All(volumes, name => Assert.Matches(Label(), name));
    }

    private static void Check(JsonNode? value, object form, string at)
    {
        switch (form)
        {
            case Shape shape:
                var parent = Assert.IsType<JsonObject>(value);
                foreach (var (name, member) in parent)
                {
                    Assert.True(shape.Fields.ContainsKey(name), $"{at}/{name} is no field");
                    Check(member, shape.Fields[name], $"{at}/{name}");
                }

                break;
            case ListOf list:
                foreach (var item in Assert.IsType<JsonArray>(value))
                {
                    Check(item, list.Item, at + "/*");
                }

                break;
            case Kind.Map:
                Assert.All(
                    Assert.IsType<JsonObject>(value),
                    entry => Assert.Equal(JsonValueKind.String, entry.Value!.GetValueKind())
                );
                break;
            case Kind kind:
                var actual = value!.GetValueKind() switch
                {
                    JsonValueKind.String => Kind.Text,
                    JsonValueKind.Number => Kind.Number,
                    JsonValueKind.True or JsonValueKind.False => Kind.Boolean,
                    _ => Kind.Map,
                };
                Assert.True(actual == kind, $"{at} must be {kind}, not {actual}");
                break;
        }
    }

    private static List<string> Names(JsonNode? list) =>
        [.. (list as JsonArray ?? []).Select(item => item!["name"]!.GetValue<string>())];

    private static void AssertOnce(IEnumerable<string> names, string what) =>
        Assert.Empty(
            names.GroupBy(name => name).Where(group => group.Count() > 1).Select(group => $"{what}: {group.Key}")
        );

    [GeneratedRegex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Label();
}
