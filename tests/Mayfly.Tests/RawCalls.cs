using System.Net.Http.Json;
using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>Calls of a server's API without a client library, by <see cref="ServerProcess.NewClient"/>.</summary>
internal static class RawCalls
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Writes, which is to succeed.</summary>
    public static async Task WriteAsync(this HttpClient http, string path, object body)
    {
        using var reply = await http.PostAsJsonAsync(new Uri(path, UriKind.Relative), body, Cancellation);
        Assert.True(reply.IsSuccessStatusCode, await reply.Content.ReadAsStringAsync(Cancellation));
    }

    /// <summary>The data of what is read, which is there.</summary>
    public static async Task<JsonElement> ReadAsync(this HttpClient http, string path)
    {
        var reply = await http.GetFromJsonAsync<JsonElement>(new Uri(path, UriKind.Relative), Cancellation);
        return reply.GetProperty("data");
    }
}
