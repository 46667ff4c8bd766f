using System.Globalization;

namespace Mayfly.Server.Http.Vault;

/// <summary>Times as Vault's clients parse them: RFC 3339 in UTC.</summary>
internal static class Timestamps
{
    public static string Format(DateTimeOffset time) =>
        time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);
}
