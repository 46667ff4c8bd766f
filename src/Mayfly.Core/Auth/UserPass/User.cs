using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Auth.UserPass;

/// <summary>A user's record. Immutable.</summary>
internal sealed record User(PasswordHash Password, TokenParameters Tokens)
{
    public static User Read(ReadOnlyMemory<byte> stored)
    {
        using var document = JsonDocument.Parse(stored, Json.DocumentOptions);
        var root = document.RootElement;
        return new User(PasswordHash.Decode(root.GetProperty("password").GetString()!), TokenParameters.ReadFrom(root));
    }

    /// <summary>The record's plaintext; dispose it.</summary>
    public SecretBytes Write()
    {
        var buffer = new SecretBufferWriter();
        using (var writer = new Utf8JsonWriter(buffer, Json.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("password", Password.Encode());
            Tokens.WriteTo(writer);
            writer.WriteEndObject();
        }

        return buffer.Detach();
    }
}
