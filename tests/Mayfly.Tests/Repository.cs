namespace Mayfly.Tests;

/// <summary>The checkout that the tests run in.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "Mayfly.slnx")))
        {
            at = at.Parent ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }

        return at.FullName;
    }
}
