using System.Text;

namespace Mayfly.Core.Sys;

/// <summary>Policies arrive as they are, or encoded in base64.</summary>
internal static class PolicyText
{
    private static readonly UTF8Encoding StrictUtf8 = new(
        encoderShouldEmitUTF8Identifier: false,
        throwOnInvalidBytes: true
    );

    /// <summary>The text itself. No policy is valid base64 as it is: it has braces.</summary>
    public static string Decode(string text)
    {
        var bytes = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, bytes, out var length) || length == 0)
        {
            return text;
        }

        try
        {
            return StrictUtf8.GetString(bytes, 0, length);
        }
        catch (DecoderFallbackException)
        {
            return text;
        }
    }
}
