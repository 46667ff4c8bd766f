using System.Security.Cryptography;
using System.Text.Json;
using Mayfly.Crypto;

namespace Mayfly.Tests.Crypto;

/// <summary>Project Wycheproof's vectors against the primitives that the keyring is composed of, as it calls them.</summary>
public sealed class WycheproofTests
{
    [Fact]
    public void Aes_gcm_opens_what_is_valid_and_nothing_else()
    {
        foreach (var (group, test) in Cases("aes_gcm_test.json"))
        {
            // The keyring uses 96-bit nonces and 128-bit tags, and .NET offers no other nonces.
            if (group.GetProperty("ivSize").GetInt32() != 96 || group.GetProperty("tagSize").GetInt32() != 128)
            {
                continue;
            }

            using var cipher = new AesGcm(Hex(test, "key"), 16);
            var (message, ciphertext, tag) = (Hex(test, "msg"), Hex(test, "ct"), Hex(test, "tag"));
            var opened = new byte[ciphertext.Length];
            if (IsValid(test))
            {
                cipher.Decrypt(Hex(test, "iv"), ciphertext, tag, opened, Hex(test, "aad"));
                Assert.Equal(message, opened);
                var (made, madeTag) = (new byte[message.Length], new byte[16]);
                cipher.Encrypt(Hex(test, "iv"), message, made, madeTag, Hex(test, "aad"));
                Assert.Equal(ciphertext, made);
                Assert.Equal(tag, madeTag);
            }
            else
            {
                Assert.ThrowsAny<CryptographicException>(() =>
                    cipher.Decrypt(Hex(test, "iv"), ciphertext, tag, opened, Hex(test, "aad"))
                );
            }
        }
    }

    [Fact]
    public void Key_wrap_opens_the_valid_vectors_of_its_size()
    {
        foreach (var (group, test) in Cases("aes_gcm_test.json"))
        {
            if (
                group.GetProperty("ivSize").GetInt32() != 96
                || group.GetProperty("tagSize").GetInt32() != 128
                || group.GetProperty("keySize").GetInt32() != 256
            )
            {
                continue;
            }

            byte[] wrapped = [1, .. Hex(test, "iv"), .. Hex(test, "ct"), .. Hex(test, "tag")];
            using var opened = KeyWrap.Unwrap(Hex(test, "key"), Hex(test, "aad"), wrapped);
            Assert.Equal(IsValid(test), opened is not null);
            Assert.Equal(IsValid(test) ? Hex(test, "msg") : null, opened?.Span.ToArray());
        }
    }

    [Fact]
    public void Hmac_sha256_gives_the_valid_tags()
    {
        foreach (var (group, test) in Cases("hmac_sha256_test.json"))
        {
            var size = group.GetProperty("tagSize").GetInt32() / 8;
            using var ours = new HmacSha256(Hex(test, "key"));
            var made = new byte[HMACSHA256.HashSizeInBytes];
            ours.HashData(Hex(test, "msg"), made);
            Assert.Equal(
                IsValid(test),
                CryptographicOperations.FixedTimeEquals(made.AsSpan(0, size), Hex(test, "tag"))
            );
            var framework = HMACSHA256.HashData(Hex(test, "key"), Hex(test, "msg"));
            Assert.Equal(framework, made);
        }
    }

    [Fact]
    public void Hkdf_sha256_gives_the_valid_keys()
    {
        foreach (var (_, test) in Cases("hkdf_sha256_test.json"))
        {
            var size = test.GetProperty("size").GetInt32();
            byte[] Derive()
            {
                var pseudorandom = HKDF.Extract(HashAlgorithmName.SHA256, Hex(test, "ikm"), Hex(test, "salt"));
                return HKDF.Expand(HashAlgorithmName.SHA256, pseudorandom, size, Hex(test, "info"));
            }

            if (IsValid(test))
            {
                Assert.Equal(Hex(test, "okm"), Derive());
            }
            else
            {
                Assert.ThrowsAny<ArgumentException>(() => Derive());
            }
        }
    }

    private static bool IsValid(JsonElement test) => test.GetProperty("result").ValueEquals("valid");

    private static byte[] Hex(JsonElement test, string name) =>
        Convert.FromHexString(test.GetProperty(name).GetString()!);

    private static IEnumerable<(JsonElement Group, JsonElement Test)> Cases(string file)
    {
        var path = Folder() is { } folder ? Path.Combine(folder, "wycheproof", file) : null;
        if (path is null || !File.Exists(path))
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"Left out: {file} of the conformance data is not here.");
            return [];
        }

        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        return
        [
            .. from itsGroup in document.RootElement.Clone().GetProperty("testGroups").EnumerateArray()
            from test in itsGroup.GetProperty("tests").EnumerateArray()
            select (itsGroup, test),
        ];
    }

    private static string? Folder()
    {
        if (Environment.GetEnvironmentVariable("MAYFLY_CONFORMANCE") is { Length: > 0 } named)
        {
            return named;
        }

        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Mayfly.slnx")))
            {
                var folder = Path.Combine(at.FullName, "..", "shared", "conformance");
                return Directory.Exists(folder) ? folder : null;
            }
        }

        return null;
    }
}
