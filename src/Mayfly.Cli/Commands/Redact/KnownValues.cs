using System.Text;
using Mayfly.Cli.Dispatch;
using Mayfly.Client.Redaction;

namespace Mayfly.Cli.Commands.Redact;

/// <summary>The values that <c>mayfly redact</c> is given to mask.</summary>
internal static class KnownValues
{
    /// <summary>A file of values is given whole, so none of them may be forgotten for another.</summary>
    private const int Capacity = 10_000_000;

    /// <summary>Exactly one of the two results is null. Values that cannot be masked are told of, without themselves.</summary>
    /// <param name="call">The invocation.</param>
    /// <param name="variables">Names of environment variables.</param>
    /// <param name="files">Files that hold one value.</param>
    /// <param name="lists">Files with a value on each line.</param>
    public static (SecretRegistry? Registry, string? Problem) Read(
        Invocation call,
        IReadOnlyList<string> variables,
        IReadOnlyList<string> files,
        IReadOnlyList<string> lists
    )
    {
        var registry = new SecretRegistry(Capacity);
        foreach (var name in variables)
        {
            if (call.Session.Environment(name) is { Length: > 0 } value)
            {
                Add(call, registry, value, $"the variable {name}");
            }
            else
            {
                call.Print.Warn($"mayfly redact: the variable {name} is not set, so there is nothing to mask for it");
            }
        }

        foreach (var file in files.Concat(lists.Where(list => !files.Contains(list))))
        {
            try
            {
                var text = File.ReadAllText(file, Encoding.UTF8);
                if (files.Contains(file))
                {
                    Add(call, registry, text, file);
                }

                if (lists.Contains(file))
                {
                    AddLines(call, registry, text, file);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return (null, $"{file}: {e.Message}");
            }
        }

        return (registry, null);
    }

    private static void AddLines(Invocation call, SecretRegistry registry, string text, string file)
    {
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line))
            {
                Add(call, registry, line, $"{file}:{number}");
            }
        }
    }

    private static void Add(Invocation call, SecretRegistry registry, string value, string place)
    {
        // What ends a line of a file is none of the value; and one with spaces around it is printed without them, too.
        value = value.TrimEnd('\r', '\n');
        if (value.Trim().Length < SecretRegistry.MinimumLength)
        {
            call.Print.Warn(
                $"mayfly redact: the value of {place} has fewer than {SecretRegistry.MinimumLength} characters, and is not masked"
            );
            return;
        }

        registry.Add(value);
        registry.Add(value.Trim());
        if (!new Redactor(registry).FindsSecretIn(value))
        {
            call.Print.Warn($"mayfly redact: the value of {place} is an ordinary word, and is not masked");
        }
    }
}
