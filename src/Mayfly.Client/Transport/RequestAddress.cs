using System.Text;

namespace Mayfly.Client.Transport;

internal static class RequestAddress
{
    // The path goes out as it was typed: were ".." folded here, the server could not refuse it, and the request
    // would reach a path that nobody named.
    private static readonly UriCreationOptions AsTyped = new() { DangerousDisablePathAndQueryCanonicalization = true };

    public static Uri Create(string server, MayflyRequest request)
    {
        var text = new StringBuilder(server).Append("/v1/");
        var first = true;
        foreach (var segment in request.Path.Split('/'))
        {
            if (!first)
            {
                text.Append('/');
            }

            text.Append(Uri.EscapeDataString(segment));
            first = false;
        }

        var separator = '?';
        foreach (var (name, value) in request.Query)
        {
            text.Append(separator).Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value));
            separator = '&';
        }

        return new Uri(text.ToString(), AsTyped);
    }
}
