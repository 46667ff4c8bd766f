using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Mayfly.Scanner.Honeytokens;

/// <summary>Private keys as <c>ssh-keygen</c> writes them: OpenSSH's <c>PROTOCOL.key</c>, without a passphrase.</summary>
internal static class OpenSshKey
{
    private const string Type = "ecdsa-sha2-nistp256";
    private const string Curve = "nistp256";
    private const int LineLength = 70;

    public static string Write(ECDsa key, string comment)
    {
        var parameters = key.ExportParameters(includePrivateParameters: true);
        byte[] point = [4, .. parameters.Q.X!, .. parameters.Q.Y!];
        using var publicKey = new MemoryStream();
        Text(publicKey, Type);
        Text(publicKey, Curve);
        Bytes(publicKey, point);

        using var privateKey = new MemoryStream();
        // The same number twice: with a passphrase it would tell whether that was right.
        var check = RandomNumberGenerator.GetBytes(4);
        privateKey.Write(check);
        privateKey.Write(check);
        Text(privateKey, Type);
        Text(privateKey, Curve);
        Bytes(privateKey, point);
        Number(privateKey, parameters.D!);
        Text(privateKey, comment);
        for (byte pad = 1; privateKey.Length % 8 != 0; pad++)
        {
            privateKey.WriteByte(pad);
        }

        using var file = new MemoryStream();
        file.Write("openssh-key-v1\0"u8);
        Text(file, "none");
        Text(file, "none");
        Text(file, "");
        Length(file, 1);
        Bytes(file, publicKey.ToArray());
        Bytes(file, privateKey.ToArray());
        var lines = Convert.ToBase64String(file.ToArray()).Chunk(LineLength).Select(line => new string(line));
        return $"-----BEGIN OPENSSH PRIVATE KEY-----\n{string.Join('\n', lines)}\n-----END OPENSSH PRIVATE KEY-----\n";
    }

    private static void Text(MemoryStream into, string text) => Bytes(into, Encoding.UTF8.GetBytes(text));

    private static void Bytes(MemoryStream into, ReadOnlySpan<byte> bytes)
    {
        Length(into, bytes.Length);
        into.Write(bytes);
    }

    // A positive number in as few bytes as it takes; the first bit is its sign.
    private static void Number(MemoryStream into, ReadOnlySpan<byte> bytes)
    {
        bytes = bytes.TrimStart((byte)0);
        Bytes(into, bytes.IsEmpty || bytes[0] < 0x80 ? bytes : [0, .. bytes]);
    }

    private static void Length(MemoryStream into, int length)
    {
        Span<byte> four = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(four, length);
        into.Write(four);
    }
}
