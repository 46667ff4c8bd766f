using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Mayfly.Scanner.Honeytokens;

/// <summary>
/// Makes decoys in the forms that providers give their credentials, from random bytes alone: no two are alike, and none opens
/// anything.
/// </summary>
/// <param name="time">Dates inside of tokens.</param>
public sealed class DecoyMaker(TimeProvider time)
{
    private const string Base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    private const string Base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    private const string Alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    private static readonly string[] Databases = ["orders", "billing", "customers", "payments", "accounts", "ledger"];
    private static readonly string[] Users = ["app", "svc_orders", "svc_billing", "migrator", "reporting", "etl"];

    /// <summary>What can be made.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["aws", "database", "jwt", "ssh", "env"];

    /// <summary>Makes one.</summary>
    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <param name="host">The host that a database's URL names; null for one that looks like a company's own.</param>
    /// <exception cref="ArgumentException">There is no such kind.</exception>
    public Decoy Make(string kind, string? host = null) =>
        kind switch
        {
            "aws" => Aws(),
            "database" => Database(host),
            "jwt" => Jwt(),
            "ssh" => Ssh(),
            "env" => EnvironmentFile(host),
            _ => throw new ArgumentException($"there is no kind \"{kind}\"", nameof(kind)),
        };

    private static Decoy Aws()
    {
        var id = AwsKeyId();
        var secret = AwsSecret();
        return new Decoy(
            "aws",
            $"[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n",
            [id, secret]
        );
    }

    private static Decoy Database(string? host)
    {
        var password = Text(Alphanumeric, 28);
        return new Decoy("database", DatabaseUrl(password, host) + "\n", [password]);
    }

    private Decoy Jwt()
    {
        var token = Token();
        return new Decoy("jwt", token + "\n", [token]);
    }

    private static Decoy Ssh()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var text = OpenSshKey.Write(key, $"deploy@{HostName("build")}");
        // By lines, so that a key is known also where its line breaks have been changed; and by those alone that have random
        // bytes of the key in them: the first is the same in all keys of this type, the last has the comment.
        var lines = text.Split('\n');
        return new Decoy("ssh", text, lines[2..5]);
    }

    private Decoy EnvironmentFile(string? host)
    {
        var password = Text(Alphanumeric, 28);
        var id = AwsKeyId();
        var secret = AwsSecret();
        var signing = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var token = Token();
        var text =
            $"APP_ENV=production\nDATABASE_URL={DatabaseUrl(password, host)}\nAWS_REGION=eu-central-1\n"
            + $"AWS_ACCESS_KEY_ID={id}\nAWS_SECRET_ACCESS_KEY={secret}\nSESSION_SECRET={signing}\n"
            + $"INTERNAL_API_TOKEN={token}\n";
        return new Decoy("env", text, [password, id, secret, signing, token]);
    }

    // Only what AWS's own identifiers have: capital letters and the digits of base 32.
    private static string AwsKeyId() => "AKIA" + Text(Base32, 16);

    // Random text without a digit or a capital looks like a word; AWS's never does.
    private static string AwsSecret()
    {
        while (true)
        {
            var secret = Text(Base64Letters, 40);
            if (
                secret.Any(char.IsAsciiDigit)
                && secret.Contains('/', StringComparison.Ordinal)
                && char.IsAsciiLetter(secret[0])
            )
            {
                return secret;
            }
        }
    }

    private static string DatabaseUrl(string password, string? host) =>
        $"postgresql://{Pick(Users)}:{password}@{host ?? HostName("db")}:5432/{Pick(Databases)}";

    private string Token()
    {
        var now = time.GetUtcNow();
        var header = Part("""{"alg":"HS256","typ":"JWT"}""");
        var body = Part(
            string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"iss":"https://auth.{{Pick(Databases)}}.internal","sub":"{{Pick(Users)}}","aud":"internal-api","iat":{{now.ToUnixTimeSeconds()}},"exp":{{now.AddYears(1).ToUnixTimeSeconds()}},"jti":"{{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}}"}"""
            )
        );
        var signed = $"{header}.{body}";
        var key = RandomNumberGenerator.GetBytes(32);
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(signed)))}";

        static string Part(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
    }

    private static string HostName(string role) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{role}-prod-{RandomNumberGenerator.GetInt32(1, 9):00}.{Pick(Databases)}.internal"
        );

    private static string Pick(string[] words) => words[RandomNumberGenerator.GetInt32(words.Length)];

    private static string Text(string letters, int length) => RandomNumberGenerator.GetString(letters, length);
}
