using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Mayfly.Scanner.Decoding;
using Mayfly.Scanner.Findings;

namespace Mayfly.Scanner.Honeytokens;

/// <summary>
/// The decoys that are laid out, as fingerprints: HMAC-SHA256 of their values under a key of the file's own, cut to 16 bytes. The
/// file tells a scanner which findings are decoys, and does not hold them; but whoever has it and a decoy can tell that it is one,
/// so it belongs where the decoys are not. Immutable.
/// </summary>
public sealed class HoneytokenFile
{
    private const int FingerprintLength = 16;
    private const int KeyLength = 32;

    // So many encodings around each other are taken off.
    private const int Deepest = 3;

    // Shorter runs are words.
    private const int ShortestRun = 12;

    private static readonly SearchValues<char> RunLetters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_=.-"
    );

    private readonly byte[] _key;
    private readonly Dictionary<string, HoneytokenRecord> _byFingerprint;

    private HoneytokenFile(byte[] key, IReadOnlyList<HoneytokenRecord> records)
    {
        _key = key;
        Records = records;
        _byFingerprint = new Dictionary<string, HoneytokenRecord>(StringComparer.Ordinal);
        foreach (var record in records)
        {
            foreach (var fingerprint in record.Fingerprints)
            {
                _byFingerprint[fingerprint] = record;
            }
        }
    }

    /// <summary>In the order in which they were made.</summary>
    public IReadOnlyList<HoneytokenRecord> Records { get; }

    /// <summary>One without decoys, with a new key.</summary>
    public static HoneytokenFile New() => new(RandomNumberGenerator.GetBytes(KeyLength), []);

    /// <summary>Reads a file. Exactly one of the two results is null.</summary>
    public static (HoneytokenFile? File, string? Problem) Read(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            var root = JsonElement.ParseValue(ref reader);
            if (root.GetProperty("version").GetInt32() != 1)
            {
                return (null, "it was written by a later version of mayfly");
            }

            var key = root.GetProperty("key").GetBytesFromBase64();
            var records = root.GetProperty("honeytokens").EnumerateArray().Select(Record).ToList();
            return key.Length == KeyLength ? (new HoneytokenFile(key, records), null) : (null, "its key is cut short");
        }
        catch (Exception failure)
            when (failure is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return (null, "it is no file of honeytokens");
        }
    }

    /// <summary>The same with a decoy more.</summary>
    public (HoneytokenFile File, HoneytokenRecord Record) With(Decoy decoy, string note, DateTimeOffset now)
    {
        var record = new HoneytokenRecord(
            "ht-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(5)),
            decoy.Kind,
            now,
            note,
            [.. decoy.Values.SelectMany(Runs).Select(Fingerprint).Distinct(StringComparer.Ordinal)]
        );
        return (new HoneytokenFile(_key, [.. Records, record]), record);
    }

    /// <summary>The decoy that a finding is, or null.</summary>
    /// <param name="finding">As found, not redacted.</param>
    public HoneytokenRecord? Find(Finding finding) => Find(finding.Secret, Deepest);

    private HoneytokenRecord? Find(string text, int depth)
    {
        foreach (var run in Runs(text))
        {
            if (_byFingerprint.TryGetValue(Fingerprint(run), out var record))
            {
                return record;
            }
        }

        // Rules for encoded keys find them as they stand.
        return depth == 0
            ? null
            : EncodedRuns
                .In(Encoding.UTF8.GetBytes(text))
                .Select(run => Find(Encoding.UTF8.GetString(run.Decoded), depth - 1))
                .FirstOrDefault(record => record is not null);
    }

    /// <summary>The file's text.</summary>
    public ReadOnlyMemory<byte> Write()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("version"u8, 1);
            json.WriteBase64String("key"u8, _key);
            json.WriteStartArray("honeytokens"u8);
            foreach (var record in Records)
            {
                json.WriteStartObject();
                json.WriteString("id"u8, record.Id);
                json.WriteString("type"u8, record.Kind);
                json.WriteString("created"u8, record.Created.ToString("O", CultureInfo.InvariantCulture));
                json.WriteString("note"u8, record.Note);
                json.WriteStartArray("fingerprints"u8);
                foreach (var fingerprint in record.Fingerprints)
                {
                    json.WriteStringValue(fingerprint);
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenMemory;
    }

    private static HoneytokenRecord Record(JsonElement json) =>
        new(
            json.GetProperty("id").GetString()!,
            json.GetProperty("type").GetString()!,
            json.GetProperty("created").GetDateTimeOffset(),
            json.GetProperty("note").GetString()!,
            [.. json.GetProperty("fingerprints").EnumerateArray().Select(each => each.GetString()!)]
        );

    // A rule's secret may be a part of the value, or have quotation marks, colons or line breaks around it: what both have is
    // text between such marks. Padding may be left out, and dots join what are parts elsewhere.
    private static IEnumerable<string> Runs(string text)
    {
        // Line breaks as programs write them: their letters are no part of the line that follows.
        text = text.Replace("\\n", " ", StringComparison.Ordinal).Replace("\\r", " ", StringComparison.Ordinal);
        for (var at = 0; at < text.Length; )
        {
            var start = text.AsSpan(at).IndexOfAny(RunLetters);
            if (start < 0)
            {
                yield break;
            }

            start += at;
            var length = text.AsSpan(start).IndexOfAnyExcept(RunLetters);
            at = length < 0 ? text.Length : start + length;
            var run = text[start..at].TrimEnd('=');
            if (run.Length >= ShortestRun)
            {
                yield return run;
            }
        }
    }

    private string Fingerprint(string run) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(run)).AsSpan(0, FingerprintLength));
}
