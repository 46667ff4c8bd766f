namespace Mayfly.Agent.Proxy;

/// <summary>Paths of the API as they stand in requests.</summary>
internal static class RequestPath
{
    private const string Version = "/v1/";

    /// <summary>The path below <c>/v1/</c>, decoded, without query; empty when it is none.</summary>
    public static string Of(string target)
    {
        if (!target.StartsWith(Version, StringComparison.Ordinal))
        {
            return "";
        }

        var query = target.IndexOf('?', StringComparison.Ordinal);
        var path = query < 0 ? target[Version.Length..] : target[Version.Length..query];
        return path.Contains('%', StringComparison.Ordinal) ? Uri.UnescapeDataString(path) : path;
    }
}
