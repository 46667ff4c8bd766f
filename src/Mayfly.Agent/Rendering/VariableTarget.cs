using System.Text;
using Mayfly.Agent.Templates;

namespace Mayfly.Agent.Rendering;

/// <summary>An environment variable of the program of <c>exec</c>.</summary>
internal sealed class VariableTarget(string name) : ITarget
{
    private volatile string? _value;

    public string Name => name;

    public string? Path => null;

    /// <summary>The value; null before the first.</summary>
    public string? Value => _value;

    public bool Take(byte[] output, IReadOnlyList<SideFile> files)
    {
        if (files.Count > 0)
        {
            throw new IOException("a template of a variable writes no files");
        }

        var value = Encoding.UTF8.GetString(output);
        if (value.Contains('\0', StringComparison.Ordinal))
        {
            throw new IOException("the value holds a zero byte, which no environment variable can");
        }

        if (value == _value)
        {
            return false;
        }

        _value = value;
        return true;
    }

    public Task ActAsync(CancellationToken stop) => Task.CompletedTask;
}
