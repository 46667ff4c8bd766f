namespace Mayfly.Tests.Storage;

/// <summary>A folder that is gone when the test is.</summary>
internal sealed class TempFolder : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("mayfly-test-").FullName;

    /// <summary>A folder that does not exist yet.</summary>
    public string Path => System.IO.Path.Combine(_root, "data");

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
