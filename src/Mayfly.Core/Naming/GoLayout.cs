using System.Globalization;
using System.Text;

namespace Mayfly.Core.Naming;

/// <summary>Times in UTC in the layouts of Go's <c>time</c> package: the layout shows how one certain moment is written.</summary>
internal static class GoLayout
{
    /// <summary>Longer ones stand before those that they begin with.</summary>
    private static readonly (string Shown, string Format)[] Elements =
    [
        ("2006", "yyyy"),
        ("January", "MMMM"),
        ("Jan", "MMM"),
        ("Monday", "dddd"),
        ("Mon", "ddd"),
        ("MST", "'UTC'"),
        ("01", "MM"),
        ("02", "dd"),
        ("03", "hh"),
        ("04", "mm"),
        ("05", "ss"),
        ("06", "yy"),
        ("15", "HH"),
        ("PM", "tt"),
        ("Z07:00", "'Z'"),
        ("Z0700", "'Z'"),
        ("-07:00", "'+00:00'"),
        ("-0700", "'+0000'"),
        (".000000", ".ffffff"),
        (".000", ".fff"),
        ("1", "%M"),
        ("2", "%d"),
        ("3", "%h"),
        ("4", "%m"),
        ("5", "%s"),
    ];

    public static string Format(string layout, DateTimeOffset time)
    {
        var utc = time.UtcDateTime;
        var text = new StringBuilder();
        for (var at = 0; at < layout.Length; )
        {
            var rest = layout.AsSpan(at);
            var found = false;
            foreach (var (shown, format) in Elements)
            {
                if (rest.StartsWith(shown, StringComparison.Ordinal))
                {
                    text.Append(utc.ToString(format, CultureInfo.InvariantCulture));
                    at += shown.Length;
                    found = true;
                    break;
                }
            }

            if (!found)
            {
                text.Append(layout[at++]);
            }
        }

        return text.ToString();
    }
}
