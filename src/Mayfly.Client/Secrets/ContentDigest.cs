using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Mayfly.Client.Secrets;

/// <summary>
/// HMAC-SHA256 over a secret's fields in the order of their names, each with its length: the same fields give the same digest
/// in whatever order and document they came. It is keyed, since a bare hash of a short password is as good as the password.
/// Safe for concurrent use.
/// </summary>
internal sealed class ContentDigest(byte[] key)
{
    public const int KeySize = 32;

    public byte[] Of(FetchedSecret secret)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        foreach (var field in secret.Fields.EnumerateObject().OrderBy(field => field.Name, StringComparer.Ordinal))
        {
            if (!secret.Unsteady.Contains(field.Name))
            {
                Append(hash, Encoding.UTF8.GetBytes(field.Name));
                Append(hash, JsonMarshal.GetRawUtf8Value(field.Value));
            }
        }

        return hash.GetHashAndReset();
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> part)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, part.Length);
        hash.AppendData(length);
        hash.AppendData(part);
    }
}
