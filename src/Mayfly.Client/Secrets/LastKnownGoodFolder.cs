using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Mayfly.Client.Secrets;

/// <summary>
/// Keeps the last value of each secret on disk, encrypted, for a start while the source is away. A value is used only within the
/// bound that it had in memory. One encrypted file per secret, mode 0600, in a folder of its own; leased credentials are never
/// kept. Safe for concurrent use, also by several processes.
/// </summary>
/// <remarks>
/// Whoever can read the folder and the key can read the secrets: keep the key elsewhere, such as in a credential of systemd or a
/// mounted Kubernetes secret.
/// </remarks>
public sealed class LastKnownGoodFolder
{
    /// <summary>The fewest bytes that a key has.</summary>
    public const int MinimumKeySize = 32;

    private const string Unfinished = ".tmp";
    private const int SaltSize = 32;
    private const int TagSize = 16;
    private const int KeySize = 32;
    private static readonly TimeSpan FutureTolerance = TimeSpan.FromMinutes(1);

    /// <summary>No write takes so long: whoever began it was killed.</summary>
    private static readonly TimeSpan LongestWrite = TimeSpan.FromMinutes(10);

    private readonly string _folder;
    private readonly byte[] _key;
    private readonly byte[] _nameKey;

    /// <summary>Keeps values in <paramref name="folder"/>.</summary>
    /// <param name="folder">The folder; made with mode 0700 when it is not there.</param>
    /// <param name="key">At least 32 bytes that only this program knows, random or derived from such; the same at every start.</param>
    /// <exception cref="ArgumentException">The key is too short.</exception>
    public LastKnownGoodFolder(string folder, ReadOnlySpan<byte> key)
    {
        if (key.Length < MinimumKeySize)
        {
            throw new ArgumentException($"the key has at least {MinimumKeySize} bytes", nameof(key));
        }

        _folder = Path.GetFullPath(folder);
        _key = key.ToArray();
        _nameKey = new byte[KeySize];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, _nameKey, salt: [], "mayfly last-known-good v1: names"u8);
    }

    private static ReadOnlySpan<byte> Magic => "MAYFLYK1"u8;

    /// <summary>Keeps values in <paramref name="folder"/>, with the bytes of a file as the key.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="keyFile">A file of at least 32 bytes, such as <c>head -c 32 /dev/urandom</c> makes one.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="ArgumentException">The file is too short.</exception>
    public static LastKnownGoodFolder WithKeyFile(string folder, string keyFile)
    {
        var key = File.ReadAllBytes(keyFile);
        try
        {
            return new LastKnownGoodFolder(folder, key);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <summary>Keeps a value. Either the whole file is replaced, or nothing is.</summary>
    /// <exception cref="IOException">It could not be kept.</exception>
    /// <exception cref="UnauthorizedAccessException">It could not be kept.</exception>
    internal void Save(string source, string name, FetchedSecret secret, DateTimeOffset readAt, TimeSpan usable)
    {
        var file = FileOf(source, name);
        var temporary = $"{file}.{RandomNumberGenerator.GetHexString(12, lowercase: true)}{Unfinished}";
        var plaintext = Write(secret, readAt, readAt + usable);
        try
        {
            CreateFolder();
            RemoveUnfinished(file);
            using (var stream = new FileStream(temporary, NewFile()))
            {
                stream.Write(Seal(source, name, plaintext.WrittenSpan));
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, file, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
        finally
        {
            plaintext.Clear();
        }
    }

    /// <summary>The value that was kept, unless there is none, it is too old, or the file is not as it was written.</summary>
    internal KeptSecret? Load(string source, string name, DateTimeOffset now, TimeSpan usable, out string? reason)
    {
        byte[] content;
        try
        {
            content = File.ReadAllBytes(FileOf(source, name));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            reason = failure is FileNotFoundException or DirectoryNotFoundException ? null : failure.Message;
            return null;
        }

        reason = "the file is damaged, belongs to another secret or source, or was written with another key";
        if (Open(source, name, content) is not { } plaintext || Read(plaintext) is not { } kept)
        {
            return null;
        }

        var age = now - kept.ReadAt;
        var end = kept.ReadAt + usable;
        kept = kept with { UsableFor = (end < kept.Until ? end : kept.Until) - now };
        reason =
            age < -FutureTolerance ? "it was written at a time that is yet to come"
            : kept.UsableFor <= TimeSpan.Zero ? "it is too old to be used"
            : null;
        return reason is null ? kept : null;
    }

    /// <summary>Removes what was kept. It need not be there.</summary>
    internal void Remove(string source, string name)
    {
        try
        {
            File.Delete(FileOf(source, name));
        }
        catch (DirectoryNotFoundException)
        {
            // Nothing was kept yet.
        }
    }

    private static FileStreamOptions NewFile()
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return options;
    }

    private void CreateFolder()
    {
        if (Directory.Exists(_folder))
        {
            return;
        }

        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(_folder);
        }
        else
        {
            Directory.CreateDirectory(
                _folder,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            );
        }
    }

    /// <summary>Removes what processes left that were killed while they wrote this file.</summary>
    private void RemoveUnfinished(string file)
    {
        foreach (var left in Directory.EnumerateFiles(_folder, Path.GetFileName(file) + ".*" + Unfinished))
        {
            // Both times are the operating system's.
            if (TimeProvider.System.GetUtcNow().UtcDateTime - File.GetLastWriteTimeUtc(left) > LongestWrite)
            {
                File.Delete(left);
            }
        }
    }

    /// <summary>The file of a secret. Its name tells neither the secret nor the source.</summary>
    private string FileOf(string source, string name) =>
        Path.Combine(_folder, Convert.ToHexStringLower(HMACSHA256.HashData(_nameKey, Binding(source, name)))[..40]);

    /// <summary>
    /// AES-256-GCM (NIST SP 800-38D) under a key that HKDF-SHA256 (RFC 5869) makes from the caller's and a random salt of 256 bits:
    /// each key is used for one file, so the nonce can be fixed.
    /// </summary>
    private byte[] Seal(string source, string name, ReadOnlySpan<byte> plaintext)
    {
        var file = new byte[Magic.Length + SaltSize + TagSize + plaintext.Length];
        Magic.CopyTo(file);
        var salt = file.AsSpan(Magic.Length, SaltSize);
        RandomNumberGenerator.Fill(salt);
        using var aes = Cipher(salt);
        var tag = file.AsSpan(Magic.Length + SaltSize, TagSize);
        aes.Encrypt(Nonce, plaintext, file.AsSpan(Magic.Length + SaltSize + TagSize), tag, Binding(source, name));
        return file;
    }

    private byte[]? Open(string source, string name, ReadOnlySpan<byte> file)
    {
        if (file.Length < Magic.Length + SaltSize + TagSize || !file.StartsWith(Magic))
        {
            return null;
        }

        using var aes = Cipher(file.Slice(Magic.Length, SaltSize));
        var plaintext = new byte[file.Length - Magic.Length - SaltSize - TagSize];
        try
        {
            aes.Decrypt(
                Nonce,
                file[(Magic.Length + SaltSize + TagSize)..],
                file.Slice(Magic.Length + SaltSize, TagSize),
                plaintext,
                Binding(source, name)
            );
            return plaintext;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private static ReadOnlySpan<byte> Nonce => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private AesGcm Cipher(ReadOnlySpan<byte> salt)
    {
        Span<byte> key = stackalloc byte[KeySize];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _key, key, salt, "mayfly last-known-good v1: file"u8);
        try
        {
            return new AesGcm(key, TagSize);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <summary>What a file is bound to: format, source and name, each with its length.</summary>
    private static byte[] Binding(string source, string name)
    {
        var bytes = new byte[Magic.Length + 8 + Encoding.UTF8.GetByteCount(source) + Encoding.UTF8.GetByteCount(name)];
        Magic.CopyTo(bytes);
        var at = Magic.Length;
        foreach (var part in (ReadOnlySpan<string>)[source, name])
        {
            var length = Encoding.UTF8.GetBytes(part, bytes.AsSpan(at + 4));
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(at), length);
            at += 4 + length;
        }

        return bytes;
    }

    private static ArrayBufferWriter<byte> Write(FetchedSecret secret, DateTimeOffset readAt, DateTimeOffset until)
    {
        var json = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(json);
        writer.WriteStartObject();
        writer.WriteNumber("read_at", readAt.ToUnixTimeMilliseconds());
        writer.WriteNumber("until", until.ToUnixTimeMilliseconds());
        if (secret.Version is { } version)
        {
            writer.WriteString("version", version);
        }

        if (secret.VersionNumber is { } number)
        {
            writer.WriteNumber("version_number", number);
        }

        writer.WritePropertyName("fields");
        secret.Fields.WriteTo(writer);
        writer.WritePropertyName("reply");
        secret.Reply.WriteTo(writer);
        writer.WriteEndObject();
        return json;
    }

    private static KeptSecret? Read(byte[] plaintext)
    {
        try
        {
            var root = JsonElement.Parse(plaintext);
            var secret = new FetchedSecret(root.GetProperty("fields"))
            {
                Reply = root.GetProperty("reply"),
                Version = root.TryGetProperty("version", out var version) ? version.GetString() : null,
                VersionNumber = root.TryGetProperty("version_number", out var number) ? number.GetInt64() : null,
            };
            return new KeptSecret(
                secret,
                DateTimeOffset.FromUnixTimeMilliseconds(root.GetProperty("read_at").GetInt64()),
                DateTimeOffset.FromUnixTimeMilliseconds(root.GetProperty("until").GetInt64()),
                TimeSpan.Zero
            );
        }
        catch (Exception e)
            when (e
                    is JsonException
                        or KeyNotFoundException
                        or InvalidOperationException
                        or FormatException
                        or ArgumentException
            )
        {
            // Written by a program with the same key that has another form of this.
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plaintext);
        }
    }
}

/// <summary>A value that was kept on disk.</summary>
/// <param name="Secret">The value.</param>
/// <param name="ReadAt">When it was read from the source.</param>
/// <param name="Until">Until when it might be used when it was kept.</param>
/// <param name="UsableFor">For how long it may be used from now on.</param>
internal sealed record KeptSecret(
    FetchedSecret Secret,
    DateTimeOffset ReadAt,
    DateTimeOffset Until,
    TimeSpan UsableFor
);
