using Mayfly.Cli.Flags;
using Mayfly.Scanner.Honeytokens;

namespace Mayfly.Cli.Commands.Honeytoken;

/// <summary>Where the fingerprints of decoys are kept: for the makers of decoys and for scans.</summary>
internal static class HoneytokenPath
{
    private const string Variable = "MAYFLY_HONEYTOKENS";
    private const string Default = ".mayfly-honeytokens.json";

    public static TextFlag Flag() =>
        new(
            "honeytokens-path",
            $"File with the fingerprints of decoys. Else {Variable}, or ~/{Default}. Keep it away from where decoys are."
        );

    /// <summary>The file, there or not; null when there is no home folder either.</summary>
    public static string? Of(TextFlag flag, Session session) =>
        flag.Value
        ?? (
            session.Environment(Variable) is { Length: > 0 } named ? named
            : session.HomeFolder is { Length: > 0 } home ? Path.Combine(home, Default)
            : null
        );

    /// <summary>What the file says; none when it is not there and nobody has named it.</summary>
    /// <exception cref="IOException">It was named, or is there, and cannot be used.</exception>
    public static HoneytokenFile? Read(TextFlag flag, Session session)
    {
        if (Of(flag, session) is not { } path)
        {
            return null;
        }

        var isNamed = flag.Value is not null || session.Environment(Variable) is { Length: > 0 };
        if (!isNamed && !File.Exists(path))
        {
            return null;
        }

        var (file, problem) = HoneytokenFile.Read(File.ReadAllBytes(path));
        return file ?? throw new IOException($"{path}: {problem}");
    }
}
