using System.Globalization;

namespace Mayfly.Core.Pipeline;

/// <summary>Times as Vault's replies have them: RFC 3339 in UTC, the fraction of a second without trailing zeros.</summary>
public static class GoTime
{
    public static string Format(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);
}
