using System.Diagnostics;

namespace Mayfly.Tests.Scanner.Sources;

/// <summary>A git repository of a test's own, made by the real git.</summary>
internal sealed class Git : IDisposable
{
    private readonly Storage.TempFolder _temp = new();

    public Git()
    {
        Directory.CreateDirectory(Folder);
        Run("init", "-q", "-b", "main");
        Run("config", "user.name", "Ada");
        Run("config", "user.email", "ada@acme.example");
        Run("config", "commit.gpgsign", "false");
    }

    public string Folder => _temp.Path;

    /// <summary>Where hooks look for programs; null for this process' own.</summary>
    public string? Path { get; set; }

    public string Write(string file, string content) => Write(file, System.Text.Encoding.UTF8.GetBytes(content));

    public string Write(string file, byte[] content)
    {
        var path = System.IO.Path.Combine(Folder, file);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        return path;
    }

    public string Commit(string message)
    {
        Run("add", "-A");
        Run("commit", "-q", "--allow-empty", "-m", message);
        return Run("rev-parse", "HEAD").Trim();
    }

    public string Run(params string[] words) => Run(null, words);

    public string Run(string? input, string[] words)
    {
        var start = new ProcessStartInfo("git")
        {
            WorkingDirectory = Folder,
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var word in words)
        {
            start.ArgumentList.Add(word);
        }

        start.Environment["GIT_CONFIG_GLOBAL"] = "/dev/null";
        start.Environment["PATH"] = Path ?? Environment.GetEnvironmentVariable("PATH");
        using var process = Process.Start(start)!;
        process.StandardInput.Write(input ?? "");
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }

    public void Dispose() => _temp.Dispose();
}
