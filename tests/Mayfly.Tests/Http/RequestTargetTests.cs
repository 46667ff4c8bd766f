using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Server.Http.Vault;

namespace Mayfly.Tests.Http;

public sealed class RequestTargetTests
{
    [Theory]
    [InlineData("/v1/secret/data/app", "secret/data/app")]
    [InlineData("/v1/secret/data/a%20b", "secret/data/a b")]
    [InlineData("/v1/secret/data/a+b", "secret/data/a+b")]
    [InlineData("/v1/secret%2Fdata%2fapp", "secret/data/app")]
    [InlineData("/v1/secret/data/%C3%A4", "secret/data/ä")]
    [InlineData("/v1/secret/data/%252e%252e", "secret/data/%2e%2e")]
    [InlineData("/v1/secret/metadata/", "secret/metadata/")]
    [InlineData("http://vault.example:8200/v1/secret/x", "secret/x")]
    [InlineData("/v1/secret/...", "secret/...")]
    public void Path_is_decoded_once(string raw, string path)
    {
        var (target, fault) = RequestTarget.Parse(raw);

        Assert.Null(fault);
        Assert.Equal(path, target!.Path);
    }

    [Theory]
    [InlineData("/v1/secret/../sys/raw")]
    [InlineData("/v1/secret/%2e%2e/sys")]
    [InlineData("/v1/secret/%2E./sys")]
    [InlineData("/v1/secret%2f..%2fsys")]
    [InlineData("/v1/./secret")]
    [InlineData("/v1/secret/.")]
    [InlineData("/v1/secret//app")]
    [InlineData("/v1/secret/%2Fapp")]
    [InlineData("/v1/%2fsecret")]
    [InlineData("/v1//secret")]
    [InlineData("/v1/")]
    [InlineData("/v1/secret/a%00b")]
    [InlineData("/v1/secret/a%0ab")]
    [InlineData("/v1/secret/a%7f")]
    [InlineData("/v1/secret/%C2%85")]
    [InlineData("/v1/secret/%ff")]
    [InlineData("/v1/secret/%C0%AF")]
    [InlineData("/v1/secret/%ED%A0%80")]
    [InlineData("/v1/secret/%zz")]
    [InlineData("/v1/secret/%2")]
    [InlineData("/v1/secret/x?list=%zz")]
    [InlineData("/v1/secret/x?a=%00")]
    public void Trickery_is_refused(string raw)
    {
        var (target, fault) = RequestTarget.Parse(raw);

        Assert.Null(target);
        Assert.Equal(Core.Pipeline.FaultKind.Invalid, fault!.Kind);
        Assert.NotEmpty(fault.Messages[0]);
    }

    [Fact]
    public void Too_long_paths_and_segments_are_refused()
    {
        var segment = new string('a', RequestTarget.MaxSegment);
        var longest = string.Join('/', Enumerable.Repeat(segment, 7));

        Assert.NotNull(RequestTarget.Parse("/v1/" + segment).Target);
        Assert.NotNull(RequestTarget.Parse("/v1/" + longest).Target);
        Assert.Null(RequestTarget.Parse("/v1/" + segment + "a").Target);
        Assert.Null(RequestTarget.Parse($"/v1/{longest}/{segment}").Target);
    }

    [Fact]
    public void Query_is_decoded_and_repeated_parameters_are_joined()
    {
        var (target, _) = RequestTarget.Parse("/v1/a?version=2&x=a%26b&x=c+d&flag");

        Assert.Equal("2", target!.Query["version"]);
        Assert.Equal("a&b,c d", target.Query["x"]);
        Assert.Equal("", target.Query["flag"]);
    }

    [Fact]
    public void Escaping_a_good_path_and_parsing_it_gives_it_back()
    {
        var segments = Gen.Elements("a", "B9", "ä", "日本", "a b", "%", "%2e", "a+b", "?", "#", "..a", "~", "&=", "😀");
        var paths = segments.NonEmptyListOf().Select(list => string.Join('/', list.Take(8)));
        Prop.ForAll(
                paths.ToArbitrary(),
                path =>
                {
                    var raw = "/v1/" + string.Join('/', path.Split('/').Select(Uri.EscapeDataString));
                    return RequestTarget.Parse(raw).Target?.Path == path;
                }
            )
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Whatever_comes_in_is_refused_or_a_clean_path()
    {
        var pieces = Gen.Elements(
            "a",
            "/",
            "//",
            ".",
            "..",
            "%",
            "%2f",
            "%2e",
            "%00",
            "%c3",
            "%a4",
            "%ff",
            "+",
            "?",
            "&",
            "=",
            "list",
            "\u00e4",
            "\0",
            "\\",
            ":"
        );
        var targets = pieces.ListOf().Select(list => "/v1/" + string.Concat(list));
        Prop.ForAll(
                targets.ToArbitrary(),
                raw =>
                {
                    var (target, fault) = RequestTarget.Parse(raw);
                    if (target is null)
                    {
                        return fault is { Messages.Count: 1 };
                    }

                    var segments = target.Path.TrimEnd('/').Split('/');
                    return segments.All(segment => segment is not ("" or "." or ".."))
                        && !target.Path.EndsWith("//", StringComparison.Ordinal)
                        && !target.Path.Any(char.IsControl)
                        && Encoding.UTF8.GetByteCount(target.Path) <= RequestTarget.MaxPath
                        && target.ListPath.EndsWith('/');
                }
            )
            .QuickCheckThrowOnFailure();
    }
}
