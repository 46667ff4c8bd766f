using System.Security.Cryptography;
using System.Text;

namespace Mayfly.Agent.Configuration;

/// <summary>What the agent calls itself to the server when nobody has said it.</summary>
internal static class ConsumerName
{
    // Of the server's 128, with room for what tells the agent's own interfaces apart.
    private const int Longest = 112;

    /// <summary>Empty, for no name, or up to 112 printable ASCII characters without spaces.</summary>
    public static bool IsValid(string name) =>
        name.Length <= Longest && !name.AsSpan().ContainsAnyExceptInRange('!', '~');

    /// <summary>
    /// <c>agent/HOST-1a2b3c4d</c>: the machine, and what tells apart the agents on it, which must not acknowledge for each other. The
    /// same after a restart.
    /// </summary>
    /// <param name="paths">The configuration files, as they were given.</param>
    public static string Default(IReadOnlyList<string> paths)
    {
        var files = string.Join('\n', paths.Select(Path.GetFullPath));
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(files)).AsSpan(0, 4));
        var host = string.Concat(Environment.MachineName.Where(c => c is >= '!' and <= '~').Take(100));
        return $"agent/{host}-{digest}";
    }
}
