using System.Text.Encodings.Web;
using System.Text.Json;

namespace Mayfly.Core.Pipeline;

/// <summary>How JSON is read and written throughout.</summary>
public static class Json
{
    /// <summary>Deeper nesting than this is refused.</summary>
    public const int MaxDepth = 64;

    /// <summary>Replies are <c>application/json</c>, never HTML, so only what JSON demands is escaped.</summary>
    public static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    public static readonly JsonDocumentOptions DocumentOptions = new() { MaxDepth = MaxDepth };

    public static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = MaxDepth };
}
