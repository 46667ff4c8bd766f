using System.Runtime.InteropServices;

namespace Mayfly.Agent.SecretsManager;

/// <summary>Which secret is asked for, and which of its versions.</summary>
internal sealed record SecretQuery(string SecretId, string? VersionId, string? VersionStage, bool RefreshNow)
{
    public const string GetPath = "/secretsmanager/get";

    /// <summary>Reads a request's target. Exactly one of the results is null.</summary>
    /// <param name="target">Path and query as they came.</param>
    /// <param name="pathPrefix">Begins paths that name the secret themselves.</param>
    public static (SecretQuery? Query, Refusal? Refusal) Read(string target, string pathPrefix)
    {
        var mark = target.IndexOf('?', StringComparison.Ordinal);
        var path = mark < 0 ? target : target[..mark];
        string? id = null;
        if (path.StartsWith(pathPrefix, StringComparison.Ordinal))
        {
            id = Decode(path[pathPrefix.Length..]);
            if (id.Length == 0)
            {
                return (null, new Refusal(400, "missing secret ID"));
            }
        }
        else if (path != GetPath)
        {
            return (null, new Refusal(404, "Not found"));
        }

        var query = new SecretQuery(id ?? "", null, null, false);
        foreach (var part in (mark < 0 ? "" : target[(mark + 1)..]).Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var name = Decode(equals < 0 ? part : part[..equals]);
            var value = equals < 0 ? "" : Decode(part[(equals + 1)..]);
            switch (name)
            {
                case "secretId" when id is null:
                    query = query with { SecretId = value };
                    break;
                case "versionId":
                    query = query with { VersionId = value };
                    break;
                case "versionStage":
                    query = query with { VersionStage = value };
                    break;
                case "refreshNow":
                    if (value.ToLowerInvariant() is not ("true" or "1" or "false" or "0"))
                    {
                        return (null, new Refusal(400, "invalid refreshNow value"));
                    }

                    query = query with { RefreshNow = value.ToLowerInvariant() is "true" or "1" };
                    break;
                default:
                    return (null, new Refusal(400, $"unknown parameter: {name}"));
            }
        }

        return query.SecretId.Length == 0 ? (null, new Refusal(400, "missing parameter secretId")) : (query, null);
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}

/// <summary>An answer that is none, in the words of AWS's agent.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Refusal(int Status, string Text);
