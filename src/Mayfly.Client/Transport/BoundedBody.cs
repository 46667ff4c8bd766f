namespace Mayfly.Client.Transport;

internal static class BoundedBody
{
    /// <summary>The whole body, when it is not larger than <paramref name="limit"/>.</summary>
    public static async Task<byte[]> ReadAsync(HttpContent content, int limit, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentLength > limit)
        {
            throw new IOException($"the answer is larger than {limit} bytes");
        }

        using var body = new MemoryStream((int)(content.Headers.ContentLength ?? 1024));
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var chunk = new byte[16 * 1024];
        int read;
        while ((read = await stream.ReadAsync(chunk, cancellationToken)) > 0)
        {
            if (body.Length + read > limit)
            {
                throw new IOException($"the answer is larger than {limit} bytes");
            }

            body.Write(chunk, 0, read);
        }

        return body.ToArray();
    }
}
