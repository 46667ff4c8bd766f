namespace Mayfly.Client.Transport;

internal static class Redirect
{
    /// <summary>
    /// Where a standby node sends its clients, or null. One hop only, and never from TLS to plain text: the token
    /// goes along.
    /// </summary>
    public static Uri? Target(HttpResponseMessage reply, Uri from)
    {
        if ((int)reply.StatusCode is not (301 or 302 or 307 or 308) || reply.Headers.Location is not { } location)
        {
            return null;
        }

        var target = new Uri(from, location);
        return from.Scheme == Uri.UriSchemeHttps && target.Scheme != Uri.UriSchemeHttps ? null : target;
    }
}
