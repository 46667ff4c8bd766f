using System.Globalization;
using Mayfly.Agent.Templates.Language;
using Mayfly.Agent.Templates.Values;
using static Mayfly.Agent.Templates.Functions.Define;

namespace Mayfly.Agent.Templates.Functions;

/// <summary>The environment, the clock, other templates, programs and files.</summary>
internal static class SystemFunctions
{
    public static IEnumerable<TemplateFunction> All { get; } =
    [
        Function("env", [Kind.String], (run, given) => Variable(run, given) ?? ""),
        Function(
            "mustEnv",
            [Kind.String],
            (run, given) => Variable(run, given) ?? throw new FunctionException("the environment variable is not set")
        ),
        Function("envOrDefault", [Kind.String, Kind.String], (run, given) => Variable(run, given) ?? given[1]),
        Variadic("timestamp", [], Kind.String, Timestamp),
        Function("scratch", [], (run, _) => run.Scratch),
        Variadic(
            "executeTemplate",
            [Kind.String],
            Kind.Any,
            (run, given) => run.Render((string)given[0]!, given.Length > 1 ? given[1] : null)
        ),
        Variadic(
            "plugin",
            [Kind.String],
            Kind.Any,
            (run, given) =>
                run.IsIncomplete
                    ? ""
                    : Plugin.Run((string)given[0]!, [.. given.Skip(1).Select(GoPrint.Text)], run.Cancellation)
        ),
        Text("sockaddr", Interfaces.Evaluate),
        Variadic("writeToFile", [Kind.String, Kind.String, Kind.String, Kind.String], Kind.String, WriteToFile),
    ];

    private static string? Variable(Execution run, object?[] given) => run.Settings.Environment((string)given[0]!);

    private static object Timestamp(Execution run, object?[] given)
    {
        var now = run.Settings.Time.GetUtcNow();
        return given switch
        {
            [] => GoTime.Format(now, GoTime.Rfc3339),
            ["unix"] => now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            [string layout] => GoTime.Format(now, layout),
            _ => throw new FunctionException($"wrong number of arguments, expected 0 or 1, but got {given.Length}"),
        };
    }

    /// <summary>path, user, group, permissions, flags perhaps, content.</summary>
    private static object WriteToFile(Execution run, object?[] given)
    {
        if (given.Length is < 5 or > 6)
        {
            throw new FunctionException($"wrong number of arguments, expected 5 or 6, but got {given.Length}");
        }

        var flags =
            given.Length == 6
                ? ((string)given[4]!).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                : [];
        if (flags.FirstOrDefault(flag => flag is not ("append" or "newline")) is not null)
        {
            throw new FunctionException("the flags are append and newline");
        }

        if ((string)given[0]! is not { Length: > 0 } path || path.Contains('\0', StringComparison.Ordinal))
        {
            throw new FunctionException("the path is missing, or is none");
        }

        var content = (string)given[^1]! + (flags.Contains("newline") ? "\n" : "");
        run.Files.Add(
            new SideFile(
                path,
                (string)given[1]!,
                (string)given[2]!,
                (string)given[3]!,
                content,
                flags.Contains("append")
            )
        );
        return "";
    }
}
