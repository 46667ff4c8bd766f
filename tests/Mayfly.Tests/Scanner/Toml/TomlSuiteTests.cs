using System.Globalization;
using System.Text.Json;
using Mayfly.Scanner.Toml;

namespace Mayfly.Tests.Scanner.Toml;

/// <summary>The public cases of toml-test, from Debian's package golang-github-burntsushi-toml-dev.</summary>
public sealed class TomlSuiteTests
{
    private const string Folder = "/usr/share/gocode/src/github.com/BurntSushi/toml/internal/toml-test/tests";

    // TOML 1.1, which is not out.
    private static readonly string[] Later = ["valid/string/escape-esc.toml"];

    [Fact]
    public void Every_valid_document_of_the_suite_is_read_as_it_says()
    {
        var files = Directory.GetFiles(Path.Combine(Folder, "valid"), "*.toml", SearchOption.AllDirectories);
        var wrong = new List<string>();
        foreach (var file in files.Where(file => !Later.Contains(Path.GetRelativePath(Folder, file))))
        {
            var (document, error) = TomlReader.Read(File.ReadAllBytes(file));
            var expected = JsonElement.Parse(File.ReadAllText(Path.ChangeExtension(file, ".json")));
            if (document is null)
            {
                wrong.Add($"{file}: {error}");
            }
            else if (!IsSame(document, expected))
            {
                wrong.Add($"{file}: other values");
            }
        }

        Assert.True(files.Length >= 90, $"only {files.Length} cases");
        Assert.Empty(wrong);
    }

    [Fact]
    public void Every_invalid_document_of_the_suite_is_refused()
    {
        var files = Directory.GetFiles(Path.Combine(Folder, "invalid"), "*.toml", SearchOption.AllDirectories);
        Assert.True(files.Length >= 200, $"only {files.Length} cases");
        Assert.DoesNotContain(files, file => TomlReader.Read(File.ReadAllBytes(file)).Document is not null);
    }

    private static bool IsSame(TomlValue value, JsonElement expected) =>
        value switch
        {
            TomlTable table => expected.ValueKind == JsonValueKind.Object
                && table.Members.Count == expected.EnumerateObject().Count()
                && table.Members.All(member =>
                    expected.TryGetProperty(member.Key, out var inner) && IsSame(member.Value, inner)
                ),
            TomlArray array => expected.ValueKind == JsonValueKind.Array
                && array.Items.Count == expected.GetArrayLength()
                && array.Items.Zip(expected.EnumerateArray()).All(pair => IsSame(pair.First, pair.Second)),
            TomlScalar scalar => IsSameScalar(scalar, expected),
            _ => false,
        };

    private static bool IsSameScalar(TomlScalar scalar, JsonElement expected)
    {
        var text = expected.GetProperty("value").GetString()!;
        return (expected.GetProperty("type").GetString(), scalar.Value) switch
        {
            ("string", string value) => scalar.Kind == TomlKind.String && value == text,
            ("integer", long value) => value == long.Parse(text, CultureInfo.InvariantCulture),
            ("float", double value) => value.Equals(FloatOf(text)),
            ("bool", bool value) => value == bool.Parse(text),
            ("datetime", string value) => scalar.Kind == TomlKind.OffsetDateTime
                && DateTimeOffset.Parse(value, CultureInfo.InvariantCulture)
                    == DateTimeOffset.Parse(text, CultureInfo.InvariantCulture),
            ("datetime-local", string value) => scalar.Kind == TomlKind.LocalDateTime
                && DateTime.Parse(value, CultureInfo.InvariantCulture)
                    == DateTime.Parse(text, CultureInfo.InvariantCulture),
            ("date-local", string value) => scalar.Kind == TomlKind.LocalDate && value == text,
            ("time-local", string value) => scalar.Kind == TomlKind.LocalTime
                && TimeOnly.Parse(value, CultureInfo.InvariantCulture)
                    == TimeOnly.Parse(text, CultureInfo.InvariantCulture),
            _ => false,
        };
    }

    private static double FloatOf(string text) =>
        text.TrimStart('+') switch
        {
            "inf" => double.PositiveInfinity,
            "-inf" => double.NegativeInfinity,
            "nan" or "-nan" => double.NaN,
            _ => double.Parse(text, CultureInfo.InvariantCulture),
        };
}
