using Mayfly.Agent.Templates.Language;
using Mayfly.Agent.Templates.Values;

namespace Mayfly.Agent.Templates.Functions;

/// <summary>
/// Functions whose data only Consul or Nomad has. A template that calls one parses, and then waits for what nobody will bring:
/// whoever renders it says so.
/// </summary>
internal static class ConsulFunctions
{
    // Name, the least and the most number of arguments.
    private static readonly (string Name, int Least, int Most)[] Signatures =
    [
        ("key", 1, 1),
        ("keyExists", 1, 1),
        ("keyExistsGet", 1, 1),
        ("keyOrDefault", 2, 2),
        ("ls", 1, 1),
        ("safeLs", 1, 1),
        ("tree", 1, 1),
        ("safeTree", 1, 1),
        ("node", 0, 1),
        ("nodes", 0, 1),
        ("service", 1, 2),
        ("services", 0, 1),
        ("connect", 1, 2),
        ("datacenters", 0, 1),
        ("partitions", 0, 0),
        ("peerings", 0, 1),
        ("caLeaf", 1, 1),
        ("caRoots", 0, 0),
        ("exportedServices", 1, 1),
        ("nomadServices", 0, 1),
        ("nomadService", 1, 3),
        ("nomadVarList", 0, 1),
        ("nomadVarListSafe", 0, 1),
        ("nomadVar", 1, 1),
        ("nomadVarExists", 1, 1),
        ("explode", 1, 1),
        ("byKey", 1, 1),
        ("byTag", 1, 1),
        ("byMeta", 2, 2),
        ("byPort", 1, 1),
    ];

    public static IEnumerable<TemplateFunction> All { get; } =
        Array.ConvertAll(Signatures, signature => Foreign(signature.Name, signature.Least, signature.Most));

    private static TemplateFunction Foreign(string name, int least, int most) =>
        new(
            name,
            [.. Enumerable.Repeat(Kind.Any, least)],
            most > least ? Kind.Any : null,
            (Execution run, object?[] given) =>
            {
                if (given.Length > most)
                {
                    throw new FunctionException(
                        $"wrong number of arguments, expected at most {most}, but got {given.Length}"
                    );
                }

                return run.Ask(Dependency.Foreign(name)) ?? (name == "key" ? "" : null);
            }
        );
}
