using System.Buffers;
using System.Text;
using Mayfly.Core.Pipeline;

namespace Mayfly.Server.Http.Vault;

/// <summary>
/// What the request line asks for: the path below <c>/v1/</c> and the query. Both come from the raw target and are
/// percent-decoded exactly once, because a server that has decoded before us hides <c>%2F</c>. Immutable.
/// </summary>
internal sealed class RequestTarget
{
    /// <summary>Longest path in bytes of UTF-8, after decoding.</summary>
    public const int MaxPath = 4096;

    /// <summary>Longest segment of a path in bytes of UTF-8, after decoding.</summary>
    public const int MaxSegment = 512;

    /// <summary>Most parameters that a query may have.</summary>
    public const int MaxParameters = 64;

    private const string Prefix = "/v1/";

    private static readonly SearchValues<char> Undecoded = SearchValues.Create(
        "%abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~/!$&'()*+,;=:@"
    );

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private static readonly Dictionary<string, string> NoQuery = [];

    private RequestTarget(string path, IReadOnlyDictionary<string, string> query)
    {
        Path = path;
        Query = query;
        ListPath = path.EndsWith('/') ? path : path + "/";
    }

    /// <summary>Without the leading <c>/v1/</c>.</summary>
    public string Path { get; }

    /// <summary>The path as a LIST has it: ending with a slash.</summary>
    public string ListPath { get; }

    /// <summary>Parameters; one that stands several times has its values joined with commas.</summary>
    public IReadOnlyDictionary<string, string> Query { get; }

    /// <summary>Takes a raw target apart, or says why it is refused.</summary>
    public static (RequestTarget? Target, Fault? Fault) Parse(string raw)
    {
        var target = OriginForm(raw);
        var mark = target.IndexOf('?');
        var rawPath = mark < 0 ? target : target[..mark];
        if (!rawPath.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return (null, Fault.NotFound("this server answers below /v1/"));
        }

        if (!TryDecode(rawPath[Prefix.Length..], plusIsSpace: false, out var path))
        {
            return (null, Fault.Invalid("the path is not percent-encoded UTF-8"));
        }

        if (PathProblem(path) is { } problem)
        {
            return (null, Fault.Invalid(problem));
        }

        var (query, fault) = mark < 0 ? (NoQuery, null) : ParseQuery(target[(mark + 1)..]);
        return query is null ? (null, fault) : (new RequestTarget(path, query), null);
    }

    /// <summary>Why a decoded path is refused, or null. A slash at its end is allowed: it names a folder.</summary>
    internal static string? PathProblem(string path)
    {
        if (path.Length == 0)
        {
            return "the path is empty";
        }

        if (Encoding.UTF8.GetByteCount(path) > MaxPath)
        {
            return $"the path is longer than {MaxPath} bytes";
        }

        var rest = path.AsSpan();
        while (!rest.IsEmpty)
        {
            var slash = rest.IndexOf('/');
            var segment = slash < 0 ? rest : rest[..slash];
            rest = slash < 0 ? [] : rest[(slash + 1)..];
            switch (segment)
            {
                case "":
                    return "the path has an empty segment (two slashes in a row)";
                case "." or "..":
                    return "the path has a segment '.' or '..'";
                default:
                    if (segment.Length * 3 > MaxSegment && Encoding.UTF8.GetByteCount(segment) > MaxSegment)
                    {
                        return $"a segment of the path is longer than {MaxSegment} bytes";
                    }

                    break;
            }
        }

        foreach (var c in path)
        {
            if (char.IsControl(c))
            {
                return "the path has a control character";
            }
        }

        return null;
    }

    /// <summary>An absolute target (<c>http://host/v1/…</c>) as proxies send it, without scheme and host.</summary>
    private static ReadOnlySpan<char> OriginForm(string raw)
    {
        var target = raw.AsSpan();
        var scheme = target.IndexOf("://", StringComparison.Ordinal);
        if (target.StartsWith('/') || scheme < 0)
        {
            return target;
        }

        var host = target[(scheme + 3)..];
        var slash = host.IndexOf('/');
        return slash < 0 ? "/" : host[slash..];
    }

    private static (Dictionary<string, string>? Query, Fault? Fault) ParseQuery(ReadOnlySpan<char> text)
    {
        var query = new Dictionary<string, string>(StringComparer.Ordinal);
        var count = 0;
        foreach (var range in text.Split('&'))
        {
            var pair = text[range];
            if (pair.IsEmpty)
            {
                continue;
            }

            if (++count > MaxParameters)
            {
                return (null, Fault.Invalid($"the query has more than {MaxParameters} parameters"));
            }

            var equals = pair.IndexOf('=');
            if (
                !TryDecode(equals < 0 ? pair : pair[..equals], plusIsSpace: true, out var name)
                || !TryDecode(equals < 0 ? [] : pair[(equals + 1)..], plusIsSpace: true, out var value)
                || name.Contains('\0')
                || value.Contains('\0')
            )
            {
                return (null, Fault.Invalid("the query is not percent-encoded UTF-8"));
            }

            query[name] = query.TryGetValue(name, out var earlier) ? $"{earlier},{value}" : value;
        }

        return (query, null);
    }

    private static bool TryDecode(ReadOnlySpan<char> text, bool plusIsSpace, out string decoded)
    {
        if (!text.ContainsAny('%', '+') && !text.ContainsAnyExcept(Undecoded))
        {
            decoded = text.ToString();
            return true;
        }

        decoded = "";
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        try
        {
            var length = 0;
            for (var i = 0; i < text.Length; i++)
            {
                var c = text[i];
                if (c == '%')
                {
                    if (
                        i + 2 >= text.Length
                        || !char.IsAsciiHexDigit(text[i + 1])
                        || !char.IsAsciiHexDigit(text[i + 2])
                    )
                    {
                        return false;
                    }

                    bytes[length++] = byte.Parse(
                        text.Slice(i + 1, 2),
                        System.Globalization.NumberStyles.AllowHexSpecifier
                    );
                    i += 2;
                }
                else if (char.IsAscii(c))
                {
                    bytes[length++] = c == '+' && plusIsSpace ? (byte)' ' : (byte)c;
                }
                else
                {
                    // HTTP allows only ASCII here; what else came in was not decoded as UTF-8 by the server below us.
                    return false;
                }
            }

            decoded = StrictUtf8.GetString(bytes, 0, length);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
