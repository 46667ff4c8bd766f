using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Mayfly.Crypto;

namespace Mayfly.Core.Seal;

/// <summary>Keys as people type them: hexadecimal or base64.</summary>
internal static class KeyText
{
    private const int Longest = 1024;

    /// <summary>Hexadecimal is tried first, as Vault does: base64 of a random key consists of hexadecimal digits alone with odds below 2^-60.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out SecretBytes key)
    {
        text = text.Trim();
        key = SecretBytes.Empty;
        if (text.IsEmpty || text.Length > Longest || !Ascii.IsValid(text))
        {
            return false;
        }

        using var utf8 = SecretBytes.Rent(text.Length);
        Encoding.ASCII.GetBytes(text, utf8.Span);
        return TryParse(utf8.Span, out key);
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{char}, out SecretBytes)"/>
    public static bool TryParse(ReadOnlySpan<byte> text, out SecretBytes key)
    {
        key = SecretBytes.Empty;
        if (text.IsEmpty || text.Length > Longest)
        {
            return false;
        }

        using var buffer = SecretBytes.Rent(text.Length);
        if (
            Convert.FromHexString(text, buffer.Span, out _, out var written) != OperationStatus.Done
            && Base64.DecodeFromUtf8(text, buffer.Span, out _, out written) != OperationStatus.Done
        )
        {
            return false;
        }

        key = SecretBytes.CopyOf(buffer.Span[..written]);
        return true;
    }
}
