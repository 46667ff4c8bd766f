using System.Text;

namespace Mayfly.Scanner.Toml;

/// <summary>
/// Reads TOML 1.0 (https://toml.io/en/v1.0.0). Any bytes have an answer: a document, or an error that says what is wrong
/// where.
/// </summary>
public static class TomlReader
{
    /// <summary>Larger documents (in bytes) are refused.</summary>
    public const int MaxLength = 32 << 20;

    /// <summary>Deeper nesting of values is refused.</summary>
    public const int MaxDepth = 128;

    private static readonly UTF8Encoding Strict = new(
        encoderShouldEmitUTF8Identifier: false,
        throwOnInvalidBytes: true
    );

    /// <summary>Reads a document in UTF-8. Exactly one of the two results is null.</summary>
    public static (TomlTable? Document, TomlError? Error) Read(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > MaxLength)
        {
            return (null, new TomlError(1, 1, $"the document is longer than {MaxLength} bytes"));
        }

        if (utf8.StartsWith("\uFEFF"u8))
        {
            utf8 = utf8[3..];
        }

        string text;
        try
        {
            text = Strict.GetString(utf8);
        }
        catch (DecoderFallbackException)
        {
            return (null, Misencoded(utf8));
        }

        return new TomlGrammar(text).Read();
    }

    private static TomlError Misencoded(ReadOnlySpan<byte> utf8)
    {
        var line = 1;
        while (true)
        {
            var end = utf8.IndexOf((byte)'\n');
            var part = end < 0 ? utf8 : utf8[..end];
            for (var i = 0; i < part.Length; )
            {
                if (Rune.DecodeFromUtf8(part[i..], out _, out var consumed) != System.Buffers.OperationStatus.Done)
                {
                    return new TomlError(line, i + 1, $"byte 0x{part[i]:X2} is no UTF-8");
                }

                i += consumed;
            }

            utf8 = utf8[(end + 1)..];
            line++;
        }
    }
}
