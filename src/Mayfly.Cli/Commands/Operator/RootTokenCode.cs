using System.Security.Cryptography;
using System.Text;

namespace Mayfly.Cli.Commands.Operator;

/// <summary>A new root token travels XORed with a one-time password of its own length, in unpadded base64.</summary>
internal static class RootTokenCode
{
    /// <summary>Of a token such as <c>hvs.</c> and 24 characters.</summary>
    public const int UsualLength = 28;

    private const string Base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    public static string NewOtp(int length) => RandomNumberGenerator.GetString(Base62, length);

    /// <summary>The token; null when the two do not belong together.</summary>
    public static string? Decode(string encoded, string otp)
    {
        var padded = encoded.Trim().TrimEnd('=');
        padded += new string('=', (4 - (padded.Length % 4)) % 4);
        var bytes = new byte[padded.Length];
        if (!Convert.TryFromBase64String(padded, bytes, out var length) || length != otp.Length)
        {
            return null;
        }

        for (var i = 0; i < length; i++)
        {
            bytes[i] ^= (byte)otp[i];
        }

        var token = Encoding.ASCII.GetString(bytes, 0, length);
        return token.AsSpan().ContainsAnyExceptInRange('!', '~') ? null : token;
    }
}
