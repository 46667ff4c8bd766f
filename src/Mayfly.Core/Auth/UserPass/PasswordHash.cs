using System.Globalization;
using System.Security.Cryptography;

namespace Mayfly.Core.Auth.UserPass;

/// <summary>
/// A password as it is stored: PBKDF2-HMAC-SHA256 with its own salt and count. Written in the PHC string format, so that
/// the count can be raised later without losing the passwords hashed before. Immutable.
/// </summary>
internal sealed record PasswordHash(int Iterations, byte[] Salt, byte[] Hash)
{
    /// <summary>What OWASP's Password Storage Cheat Sheet asks for with this function.</summary>
    public const int RecommendedIterations = 600_000;

    /// <summary>Longer ones are refused: nobody types them, and they would only cost.</summary>
    public const int MaxPasswordBytes = 4096;

    private const int SaltSize = 16;
    private const int HashSize = 32;
    private const string Scheme = "pbkdf2-sha256";

    /// <summary>A hash that no password is known for, to spend the same time where there is no user.</summary>
    public static PasswordHash Dummy(int iterations) =>
        new(iterations, RandomNumberGenerator.GetBytes(SaltSize), RandomNumberGenerator.GetBytes(HashSize));

    /// <summary>Hashes with a fresh salt. Slow on purpose: call it through <see cref="PasswordGate"/>.</summary>
    public static PasswordHash Create(ReadOnlySpan<byte> password, int iterations)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltSize);
        return new PasswordHash(iterations, salt, Derive(password, salt, iterations, HashSize));
    }

    /// <summary>Whether it is the password. Slow on purpose: call it through <see cref="PasswordGate"/>.</summary>
    public bool Verify(ReadOnlySpan<byte> password)
    {
        var derived = Derive(password, Salt, Iterations, Hash.Length);
        var same = CryptographicOperations.FixedTimeEquals(derived, Hash);
        CryptographicOperations.ZeroMemory(derived);
        return same;
    }

    /// <summary><c>$pbkdf2-sha256$i=600000$salt$hash</c>, the last two in base64.</summary>
    public string Encode() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"${Scheme}$i={Iterations}${Convert.ToBase64String(Salt)}${Convert.ToBase64String(Hash)}"
        );

    /// <summary>Reads what <see cref="Encode"/> wrote.</summary>
    /// <exception cref="FormatException">It is something else: a bug, since the record was authentic.</exception>
    public static PasswordHash Decode(string encoded)
    {
        var parts = encoded.Split('$');
        return parts is ["", Scheme, ['i', '=', .. var iterations], var salt, var hash]
            ? new PasswordHash(
                int.Parse(iterations, NumberStyles.None, CultureInfo.InvariantCulture),
                Convert.FromBase64String(salt),
                Convert.FromBase64String(hash)
            )
            : throw new FormatException("Not a password hash of a known scheme.");
    }

    /// <summary>Says nothing about the hash.</summary>
    public override string ToString() => $"PasswordHash({Scheme}, {Iterations})";

    private static byte[] Derive(ReadOnlySpan<byte> password, byte[] salt, int iterations, int size) =>
        Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA256, size);
}
