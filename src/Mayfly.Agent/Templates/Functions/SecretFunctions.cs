using Mayfly.Agent.Templates.Language;
using Mayfly.Agent.Templates.Values;
using static Mayfly.Agent.Templates.Functions.Define;

namespace Mayfly.Agent.Templates.Functions;

/// <summary>Functions that ask the server, and the file system.</summary>
internal static class SecretFunctions
{
    public static IEnumerable<TemplateFunction> All { get; } =
    [
        Variadic("secret", [], Kind.String, Secret),
        Function(
            "secrets",
            [Kind.String],
            (run, given) => run.Ask(Dependency.Secrets((string)given[0]!)) ?? GoSlice.Of([])
        ),
        Variadic("pkiCert", [], Kind.String, Certificate),
        Function("file", [Kind.String], File),
    ];

    private static object? Secret(Execution run, object?[] given)
    {
        var path = Path(given);
        // Any second argument makes it a write, also an empty one.
        return run.Ask(given.Length == 1 ? Dependency.Secret(path) : Dependency.Write(path, Data(given)));
    }

    private static object? Certificate(Execution run, object?[] given)
    {
        if (run.Settings.Destination is not { Length: > 0 } destination)
        {
            throw new FunctionException(
                "pkiCert works only in a template with a destination, which keeps the certificate"
            );
        }

        return run.Ask(Dependency.Certificate(Path(given), Data(given), destination));
    }

    private static string Path(object?[] given)
    {
        var path = given.Length == 0 ? "" : ((string)given[0]!).Trim().Trim('/');
        return path.Length > 0 ? path : throw new FunctionException("the path is missing");
    }

    private static List<KeyValuePair<string, string>> Data(object?[] given)
    {
        var data = new List<KeyValuePair<string, string>>();
        foreach (var pair in given.Skip(1).Cast<string>().Where(pair => pair.Length > 0))
        {
            var split = pair.IndexOf('=', StringComparison.Ordinal);
            if (split < 0)
            {
                throw new FunctionException("an argument after the path is not of the form key=value");
            }

            data.Add(new(pair[..split], pair[(split + 1)..]));
        }

        return data;
    }

    private static object File(Execution run, object?[] given)
    {
        var path = (string)given[0]!;
        if (path.Length == 0)
        {
            return "";
        }

        if (run.Settings.SandboxPath is { Length: > 0 } sandbox)
        {
            Sandbox.Check(sandbox, path);
        }

        return run.Ask(Dependency.File(path)) ?? "";
    }
}
