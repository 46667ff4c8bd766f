using System.Text.Json;

namespace Mayfly.Tests.Policy;

/// <summary>
/// Vault's own access-control tables, as JSON outside of this repository. Where they are absent, the tests that need them
/// pass with one line that says so.
/// </summary>
internal static class VaultTables
{
    public const string Vault = "vault-1.8.json";
    public const string OpenBao = "openbao-2.6.json";

    /// <summary>The table, or null when there is no such data here (after saying so).</summary>
    public static IReadOnlyList<JsonElement>? Load(string file)
    {
        var folder = Folder();
        var path = folder is null ? null : Path.Combine(folder, "policy", file);
        if (path is null || !File.Exists(path))
        {
            TestContext.Current.SendDiagnosticMessage("left out: conformance/policy/" + file + " is not here");
            Console.WriteLine("left out: conformance/policy/" + file + " is not here");
            return null;
        }

        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        return [.. document.RootElement.Clone().EnumerateArray()];
    }

    /// <summary>The rows of one table.</summary>
    public static JsonElement Rows(this IReadOnlyList<JsonElement> tables, string function, string variable) =>
        tables
            .First(table =>
                table.GetProperty("Func").ValueEquals(function) && table.GetProperty("Var").ValueEquals(variable)
            )
            .GetProperty("Rows");

    /// <summary>A policy's text.</summary>
    public static string Text(this IReadOnlyList<JsonElement> tables, string variable) =>
        tables.Rows("", variable).GetString()!;

    internal static string? Folder()
    {
        if (Environment.GetEnvironmentVariable("MAYFLY_CONFORMANCE") is { Length: > 0 } named)
        {
            return named;
        }

        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var candidate = Path.Combine(at.FullName, "..", "shared", "conformance");
            if (File.Exists(Path.Combine(at.FullName, "Mayfly.slnx")) && Directory.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }
}
