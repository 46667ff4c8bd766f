using System.Text;

namespace Mayfly.Cli.Output;

internal static class HumanDuration
{
    /// <summary><c>768h</c>, <c>1h30m</c>, <c>15s</c>: without the parts that are zero.</summary>
    public static string OfSeconds(long seconds)
    {
        if (seconds == 0)
        {
            return "0s";
        }

        var text = new StringBuilder();
        var left = (ulong)(seconds < 0 ? -(Int128)seconds : seconds);
        if (seconds < 0)
        {
            text.Append('-');
        }

        if (left >= 3600)
        {
            text.Append(left / 3600).Append('h');
            left %= 3600;
            if (left == 0)
            {
                return text.ToString();
            }

            // Hours and seconds keep the minutes between them only when there are some: 1h5s.
        }

        if (left >= 60)
        {
            text.Append(left / 60).Append('m');
            left %= 60;
        }

        if (left > 0)
        {
            text.Append(left).Append('s');
        }

        return text.ToString();
    }
}
