using System.Globalization;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Hcl;

namespace Mayfly.Tests.Hcl;

public sealed class HclPropertyTests
{
    private static readonly string[] Pieces =
    [
        "path",
        "\"a\"",
        "{",
        "}",
        "[",
        "]",
        "=",
        ",",
        " ",
        "\n",
        "\r\n",
        "\t",
        "#x\n",
        "//",
        "/*",
        "*/",
        "<<E\n",
        "E",
        "-",
        "1",
        "0x",
        "1e",
        ".",
        "true",
        "null",
        "\"",
        "\\",
        "\\u12",
        "${",
        "é",
        "😀",
        "\0",
        "\ud800",
        ":",
        "{\"",
        "\":",
        "<<-E\n",
    ];

    [Fact]
    public void Any_text_has_an_answer() =>
        Prop.ForAll(ArbMap.Default.ArbFor<string>(), text => Answers(text ?? "")).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_jumble_of_tokens_has_an_answer() =>
        Prop.ForAll(
                Gen.Elements(Pieces).ArrayOf().Select(pieces => string.Concat(pieces)).ToArbitrary(),
                text => Answers(text) && Answers("{" + text)
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    [Fact]
    public void Any_cut_or_changed_document_has_an_answer() =>
        Prop.ForAll(
                Bodies(3).ToArbitrary(),
                ArbMap.Default.ArbFor<int>(),
                ArbMap.Default.ArbFor<char>(),
                (items, at, character) =>
                {
                    var text = Hcl(items);
                    var cut = text.Length == 0 ? 0 : (int)((uint)at % text.Length);
                    return Answers(text[..cut]) && Answers(text[..cut] + character + text[cut..]);
                }
            )
            .QuickCheckThrowOnFailure();

    [Fact]
    public void What_is_written_as_hcl_reads_the_same() =>
        Prop.ForAll(Bodies(3).ToArbitrary(), items => Shown(HclParser.Parse(Hcl(items))) == Shown(items))
            .QuickCheckThrowOnFailure();

    [Fact]
    public void What_is_written_as_json_reads_the_same() =>
        Prop.ForAll(
                Bodies(3).ToArbitrary(),
                items =>
                {
                    // JSON has no labels, and no bare top level.
                    var plain = items.Select(WithoutLabels).ToArray();
                    return Shown(HclParser.Parse(Json(plain))) == Shown(plain);
                }
            )
            .QuickCheckThrowOnFailure();

    private static bool Answers(string text)
    {
        var (body, error) = HclParser.Parse(text);
        return (body is null) != (error is null)
            && (error is null || (error.Position is { Line: > 0, Column: > 0 } && error.Message.Length > 0));
    }

    private static Gen<HclItem[]> Bodies(int depth) => Items(depth).ArrayOf().Resize(6);

    private static Gen<HclItem> Items(int depth)
    {
        var key = Gen.Elements("a", "b-c", "d.e", "_f", "ünïcode", "path");
        var attribute = from name in key from value in Values(depth) select new HclItem(name, [], value, default);
        var block =
            from name in key
            from labels in Texts().ArrayOf(2)
            from count in Gen.Choose(0, 2)
            from inner in depth == 0 ? Gen.Constant(Array.Empty<HclItem>()) : Bodies(depth - 1)
            select new HclItem(name, labels[..count], new HclObject(new HclBody(inner, default), default), default);
        return Gen.OneOf(attribute, block);
    }

    private static Gen<HclValue> Values(int depth)
    {
        var simple = Gen.OneOf(
            Texts().Select(text => (HclValue)new HclString(text, default)),
            ArbMap
                .Default.GeneratorFor<int>()
                .Select(number => (HclValue)Number(number.ToString(CultureInfo.InvariantCulture))),
            ArbMap
                .Default.GeneratorFor<NormalFloat>()
                .Select(number => (HclValue)Number(number.Get.ToString("R", CultureInfo.InvariantCulture))),
            ArbMap.Default.GeneratorFor<bool>().Select(flag => (HclValue)new HclBool(flag, default))
        );
        return depth == 0
            ? simple
            : Gen.OneOf(
                simple,
                Values(depth - 1).ArrayOf().Resize(4).Select(items => (HclValue)new HclList(items, default)),
                Bodies(depth - 1).Select(items => (HclValue)new HclObject(new HclBody(items, default), default))
            );
    }

    private static HclNumber Number(string text) =>
        new HclNumber(text, double.Parse(text, CultureInfo.InvariantCulture), null, default);

    private static Gen<string> Texts() =>
        Gen.Elements("", "secret/*", "a b", "\"", "\\", "\n", "\t", "é😀", "{{x}}", "$", "x=1", "#", "EOF")
            .ArrayOf()
            .Resize(4)
            .Select(parts => string.Concat(parts));

    private static HclItem WithoutLabels(HclItem item) => item with { Labels = [], Value = WithoutLabels(item.Value) };

    private static HclValue WithoutLabels(HclValue value) =>
        value switch
        {
            HclObject inner => new HclObject(
                new HclBody([.. inner.Body.Items.Select(WithoutLabels)], default),
                default
            ),
            HclList list => new HclList([.. list.Items.Select(WithoutLabels)], default),
            _ => value,
        };

    /// <summary>One line that says everything but where things stand.</summary>
    private static string Shown((HclBody? Body, HclError? Error) parsed) =>
        parsed.Body is null ? parsed.Error!.ToString() : Shown(parsed.Body.Items);

    private static string Shown(IEnumerable<HclItem> items) =>
        string.Join(' ', items.Select(item => $"<{item.Key}|{string.Join('|', item.Labels)}|{Shown(item.Value)}>"));

    private static string Shown(HclValue value) =>
        value switch
        {
            HclString text => $"'{text.Text}'",
            HclNumber number => number.Value.ToString("R", CultureInfo.InvariantCulture),
            HclBool flag => flag.Value.ToString(),
            HclList list => $"[{string.Join(';', list.Items.Select(Shown))}]",
            HclObject inner => $"{{{Shown(inner.Body.Items)}}}",
            _ => "null",
        };

    private static string Hcl(IEnumerable<HclItem> items) => string.Concat(items.Select(Hcl));

    private static string Hcl(HclItem item)
    {
        var labels = string.Concat(item.Labels.Select(label => " " + Quoted(label)));
        return item.Value is HclObject
            ? $"{item.Key}{labels} {Hcl(item.Value)} # comment\n"
            : $"\"{item.Key}\" = {Hcl(item.Value)}, // comment\n";
    }

    private static string Hcl(HclValue value) =>
        value switch
        {
            HclString text => Quoted(text.Text),
            HclNumber number => number.Text,
            HclBool flag => flag.Value ? "true" : "false",
            HclList list => $"[ {string.Join(" ,\n", list.Items.Select(Hcl))} /* end */ ]",
            HclObject inner => $"{{\n{Hcl(inner.Body.Items)}}}",
            _ => throw new InvalidOperationException(),
        };

    private static string Quoted(string text) =>
        new StringBuilder(text)
            .Replace("\\", "\\\\")
            .Replace("\"", "\\\"")
            .Replace("\n", "\\n")
            .Insert(0, '"')
            .Append('"')
            .ToString();

    private static string Json(IEnumerable<HclItem> items) =>
        "{"
        + string.Join(',', items.Select(item => $"{JsonSerializer.Serialize(item.Key)}: {Json(item.Value)}\n"))
        + "}";

    private static string Json(HclValue value) =>
        value switch
        {
            HclString text => JsonSerializer.Serialize(text.Text),
            HclNumber number => number.Text,
            HclBool flag => flag.Value ? "true" : "false",
            HclList list => $"[{string.Join(',', list.Items.Select(Json))}]",
            HclObject inner => Json(inner.Body.Items),
            _ => throw new InvalidOperationException(),
        };
}
