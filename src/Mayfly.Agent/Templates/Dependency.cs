using System.Security.Cryptography;
using System.Text;
using Mayfly.Agent.Templates.Values;

namespace Mayfly.Agent.Templates;

/// <summary>What kind of thing a template asks for.</summary>
internal enum DependencyKind
{
    /// <summary>GET of a path.</summary>
    Read,

    /// <summary>PUT to a path, for an answer.</summary>
    Write,

    /// <summary>The names below a path.</summary>
    List,

    /// <summary>A certificate that is kept while it is valid.</summary>
    Certificate,

    /// <summary>A local file.</summary>
    File,

    /// <summary>Something that only Consul or Nomad has.</summary>
    Foreign,
}

/// <summary>One thing that a template asks for. Two with the same <see cref="Key"/> are the same.</summary>
internal sealed class Dependency
{
    // Keys stand in messages, and nobody may try out there what was written.
    private static readonly byte[] KeyOfThisProcess = RandomNumberGenerator.GetBytes(32);

    private Dependency(
        DependencyKind kind,
        string path,
        IReadOnlyList<KeyValuePair<string, string>> data,
        string destination = ""
    )
    {
        Kind = kind;
        Path = path;
        Data = data;
        Destination = destination;
        Key = kind == DependencyKind.Read ? path : $"{kind} {path}{Digest([.. data, new("", destination)])}";
    }

    public DependencyKind Kind { get; }

    /// <summary>The path as the template names it, with its query perhaps; of a file, where it is.</summary>
    public string Path { get; }

    /// <summary>What is written. May be secret.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Data { get; }

    /// <summary>Of a certificate: the file that keeps it.</summary>
    public string Destination { get; }

    /// <summary>Names it, without the data that is written.</summary>
    public string Key { get; }

    /// <summary>For messages: what is asked for, by path.</summary>
    public override string ToString() =>
        Kind switch
        {
            DependencyKind.Read => $"secret {Path}",
            DependencyKind.Write => $"secret {Path} (written)",
            DependencyKind.List => $"secrets {Path}",
            DependencyKind.Certificate => $"certificate {Path}",
            DependencyKind.File => $"file {Path}",
            _ => Path,
        };

    public static Dependency Secret(string path) => new(DependencyKind.Read, path.Trim('/'), []);

    public static Dependency Write(string path, IReadOnlyList<KeyValuePair<string, string>> data) =>
        new(DependencyKind.Write, path.Trim('/'), data);

    public static Dependency Secrets(string path) => new(DependencyKind.List, path.Trim('/'), []);

    public static Dependency Certificate(
        string path,
        IReadOnlyList<KeyValuePair<string, string>> data,
        string destination
    ) => new(DependencyKind.Certificate, path.Trim('/'), data, destination);

    public static Dependency File(string path) => new(DependencyKind.File, path, []);

    public static Dependency Foreign(string function) => new(DependencyKind.Foreign, function, []);

    /// <summary>Tells two sets of data apart.</summary>
    private static string Digest(IReadOnlyList<KeyValuePair<string, string>> data)
    {
        if (data.All(pair => pair.Key.Length + pair.Value.Length == 0))
        {
            return "";
        }

        var text = new StringBuilder();
        foreach (var (name, value) in data)
        {
            text.Append(name.Length).Append(':').Append(name).Append(value.Length).Append(':').Append(value);
        }

        var digest = HMACSHA256.HashData(KeyOfThisProcess, GoText.Encode(text.ToString()));
        return " #" + Convert.ToHexStringLower(digest.AsSpan(0, 16));
    }
}
