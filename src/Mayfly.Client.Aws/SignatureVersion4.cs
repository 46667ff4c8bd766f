using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Amazon.Runtime;

namespace Mayfly.Client.Aws;

/// <summary>
/// Signs requests to AWS: Signature Version 4 with the signature in the Authorization header, as the AWS General Reference
/// describes it.
/// </summary>
internal static class SignatureVersion4
{
    private const string Algorithm = "AWS4-HMAC-SHA256";

    /// <summary>
    /// Adds the date, the session token and the signature over all headers of <paramref name="request"/>, which has no query.
    /// </summary>
    public static void Sign(
        HttpRequestMessage request,
        ReadOnlySpan<byte> body,
        ImmutableCredentials credentials,
        string region,
        string service,
        DateTimeOffset now
    )
    {
        var moment = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        var address = request.RequestUri!;
        request.Headers.Host = address.IsDefaultPort ? address.Host : $"{address.Host}:{address.Port}";
        request.Headers.TryAddWithoutValidation("X-Amz-Date", moment);
        if (credentials.UseToken)
        {
            request.Headers.TryAddWithoutValidation("X-Amz-Security-Token", credentials.Token);
        }

        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (
            var (name, values) in request.Headers.Concat(
                request.Content?.Headers ?? Enumerable.Empty<KeyValuePair<string, IEnumerable<string>>>()
            )
        )
        {
            headers[name.ToLowerInvariant()] = string.Join(',', values.Select(value => value.Trim()));
        }

        headers.Remove("content-length");
        var signed = string.Join(';', headers.Keys);
        var canonical = string.Join(
            '\n',
            [
                request.Method.Method,
                // What is escaped in the address is escaped once more; only S3 wants it as it is.
                string.Join('/', address.AbsolutePath.Split('/').Select(Uri.EscapeDataString)),
                "",
                .. headers.Select(header => $"{header.Key}:{header.Value}"),
                "",
                signed,
                Convert.ToHexStringLower(SHA256.HashData(body)),
            ]
        );
        var scope = $"{moment[..8]}/{region}/{service}/aws4_request";
        var text =
            $"{Algorithm}\n{moment}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var key = Encoding.UTF8.GetBytes("AWS4" + credentials.SecretKey);
        foreach (var part in scope.Split('/'))
        {
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        }

        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text)));
        request.Headers.TryAddWithoutValidation(
            "Authorization",
            $"{Algorithm} Credential={credentials.AccessKey}/{scope}, SignedHeaders={signed}, Signature={signature}"
        );
    }
}
