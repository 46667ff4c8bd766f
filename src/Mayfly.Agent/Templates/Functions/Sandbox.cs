using Mayfly.Agent.Templates.Values;

namespace Mayfly.Agent.Templates.Functions;

/// <summary>Keeps the files that a template reads inside a folder, whatever links lead where.</summary>
internal static class Sandbox
{
    /// <summary>Fails when <paramref name="path"/>, with its links followed, is outside <paramref name="folder"/>.</summary>
    public static void Check(string folder, string path)
    {
        var root = Real(Path.GetFullPath(folder));
        var real = Real(Path.GetFullPath(path));
        if (real != root && !real.StartsWith(root.TrimEnd('/') + "/", StringComparison.Ordinal))
        {
            throw new FunctionException($"the file is outside of the sandbox {folder}");
        }
    }

    /// <summary>The path without links, as far as it exists.</summary>
    private static string Real(string path)
    {
        var real = "/";
        var links = 0;
        var rest = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        while (rest.TryPop(out var part))
        {
            real = part switch
            {
                ".." => Path.GetDirectoryName(real) ?? "/",
                "." => real,
                _ => Path.Combine(real, part),
            };
            if (new FileInfo(real).LinkTarget is not { } target)
            {
                continue;
            }

            if (++links > 40)
            {
                throw new FunctionException("too many symbolic links");
            }

            real = target.StartsWith('/') ? "/" : Path.GetDirectoryName(real) ?? "/";
            foreach (var piece in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                rest.Push(piece);
            }
        }

        return real;
    }
}
