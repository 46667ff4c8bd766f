using System.Security.Cryptography;
using System.Text;

namespace Mayfly.Core.Engines.Database.PostgreSql;

/// <summary>
/// What PostgreSQL stores of a password (SCRAM-SHA-256, RFC 5802 and 7677): sent instead of the password, so that the
/// password appears neither in its log nor in <c>pg_stat_activity</c>.
/// </summary>
internal static class ScramVerifier
{
    public const string Name = "scram-sha-256";

    private const int Iterations = 4_096;
    private const int SaltSize = 16;
    private const int HashSize = 32;

    public static string Of(string password)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltSize);
        Span<byte> salted = stackalloc byte[HashSize];
        Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password), salt, salted, Iterations, HashAlgorithmName.SHA256);
        Span<byte> clientKey = stackalloc byte[HashSize];
        Span<byte> serverKey = stackalloc byte[HashSize];
        HMACSHA256.HashData(salted, "Client Key"u8, clientKey);
        HMACSHA256.HashData(salted, "Server Key"u8, serverKey);
        var storedKey = SHA256.HashData(clientKey);
        CryptographicOperations.ZeroMemory(salted);
        CryptographicOperations.ZeroMemory(clientKey);
        return $"SCRAM-SHA-256${Iterations}:{Convert.ToBase64String(salt)}"
            + $"${Convert.ToBase64String(storedKey)}:{Convert.ToBase64String(serverKey)}";
    }
}
