namespace Mayfly.Tests.Scanner;

/// <summary>What gitleaks' project has published, when it is here.</summary>
internal static class Conformance
{
    /// <summary>A file or folder of it, or null after a remark.</summary>
    public static string? Find(params string[] path)
    {
        var root = Environment.GetEnvironmentVariable("MAYFLY_CONFORMANCE") is { Length: > 0 } named
            ? named
            : Path.Combine(Repository.Root, "..", "shared", "conformance");
        var found = Path.Combine([root, "gitleaks", .. path]);
        if (Path.Exists(found))
        {
            return found;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"Left out: {string.Join('/', path)} is not here.");
        return null;
    }
}
