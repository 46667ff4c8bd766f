namespace Mayfly.Tests.Agent;

/// <summary>A folder for an agent's files, which is gone when the test is.</summary>
internal sealed class AgentFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("mayfly-agent-").FullName;

    public string At(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file, and tells its path.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(At(name), text);
        return At(name);
    }

    public string Read(string name) => File.ReadAllText(At(name));

    public bool Has(string name) => File.Exists(At(name));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
