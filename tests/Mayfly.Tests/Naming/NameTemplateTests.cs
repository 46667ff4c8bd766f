using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Naming;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Naming;

public sealed class NameTemplateTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 9, 8, 7, 654, TimeSpan.Zero);

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("", "")]
    [InlineData("{{.DisplayName}}-{{.RoleName}}", "token-orders-Orders App")]
    [InlineData("{{ .DisplayName | truncate 8 }}", "token-or")]
    [InlineData("{{ truncate 8 .DisplayName }}", "token-or")]
    [InlineData("{{.RoleName | lowercase | replace \" \" \"_\"}}", "orders_app")]
    [InlineData("{{.RoleName | uppercase}}", "ORDERS APP")]
    [InlineData("{{.RoleName | truncate_sha256 9}}", "Obd9bb6e8")]
    [InlineData("{{sha256 \"a\" | truncate 6}}", "ca9781")]
    [InlineData("{{base64 \"a\"}}", "YQ==")]
    [InlineData("{{unix_time}} {{unix_time_millis}}", "1795165687 1795165687654")]
    [InlineData("{{timestamp \"2006-01-02T15:04:05.000Z\"}}", "2026-11-20T09:08:07.654Z")]
    [InlineData("{{timestamp `Mon, 2 Jan 06 3:4:5 PM -0700`}}", "Fri, 20 Nov 26 9:8:7 AM +0000")]
    [InlineData("{{printf \"v-%s-%v%%\" (.RoleName | truncate 3) unix_time}}", "v-Ord-1795165687%")]
    [InlineData("{{ printf \"%s%s\" .RoleName (.RoleName | lowercase) | truncate 12 }}", "Orders Appor")]
    [InlineData("a {{- \" b \" -}} c", "a b c")]
    [InlineData("{{\"a\\\"b\\\\\"}}", "a\"b\\")]
    public void A_template_is_rendered_as_vault_does(string template, string expected)
    {
        var (parsed, fault) = NameTemplate.Parse(template);

        Assert.Null(fault);
        Assert.Equal(expected, parsed!.Render(new NameFields("token-orders", "Orders App", Now)));
    }

    [Fact]
    public void The_default_of_vaults_postgresql_gives_its_names()
    {
        var template = NameTemplate.Of(
            """{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (random 20) (unix_time) | truncate 63 }}"""
        );

        var names = Enumerable
            .Range(0, 100)
            .Select(_ => template.Render(new NameFields("token-orders", "orders-app", Now)))
            .ToList();

        Assert.All(names, name => Assert.Matches("^v-token-or-orders-a-[A-Za-z0-9]{20}-1795165687$", name));
        Assert.Equal(names.Count, names.Distinct().Count());
    }

    [Fact]
    public void A_uuid_is_another_each_time()
    {
        var template = NameTemplate.Of("{{uuid}}");
        var fields = new NameFields("", "", Now);

        Assert.True(Guid.TryParse(template.Render(fields), out _));
        Assert.NotEqual(template.Render(fields), template.Render(fields));
    }

    [Theory]
    [InlineData("{{", "a field")]
    [InlineData("{{}}", "a field")]
    [InlineData("{{.DisplayName", "expected }}")]
    [InlineData("{{.Password}}", ".DisplayName and .RoleName")]
    [InlineData("{{if .DisplayName}}x{{end}}", "no function if")]
    [InlineData("{{random}}", "random takes a number")]
    [InlineData("{{random 0}}", "from 1 to 256")]
    [InlineData("{{random 100000}}", "from 1 to 256")]
    [InlineData("{{random 99999999999999}}", "too large")]
    [InlineData("{{.RoleName | truncate 0}}", "from 1 to")]
    [InlineData("{{.RoleName | truncate_sha256 8}}", "from 9 to")]
    [InlineData("{{.RoleName | .DisplayName}}", "after a pipe")]
    [InlineData("{{printf .RoleName}}", "format that is written out")]
    [InlineData("{{printf \"%s\"}}", "fewer values")]
    [InlineData("{{printf \"%s\" \"a\" \"b\"}}", "more values")]
    [InlineData("{{printf \"%q\" \"a\"}}", "%s, %v and %%")]
    [InlineData("{{(.RoleName}}", "expected )")]
    [InlineData("{{\"a}}", "does not end")]
    [InlineData("{{((((((((((((((((((((unix_time))))))))))))))))))))}}", "deeper")]
    public void What_is_wrong_with_a_template_is_said_when_it_is_set(string template, string problem)
    {
        var (parsed, fault) = NameTemplate.Parse(template);

        Assert.Null(parsed);
        Assert.Equal(FaultKind.Invalid, fault!.Kind);
        Assert.Contains(problem, fault.Messages[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Truncating_leaves_no_half_of_a_character()
    {
        var name = NameTemplate.Of("{{.RoleName | truncate 3}}").Render(new NameFields("", "ab🔑c", Now));

        Assert.Equal("ab", name);
    }

    [Fact]
    public void Whatever_is_written_is_a_template_or_a_fault()
    {
        string[] pieces =
        [
            "{{",
            "}}",
            "{{-",
            "-}}",
            "|",
            "(",
            ")",
            ".",
            ".RoleName",
            ".DisplayName",
            "random 20",
            "truncate",
            "8",
            " ",
            "\"",
            "`",
            "\"x\"",
            "printf",
            "%s",
            "replace \"a\" \"b\"",
            "unix_time",
            "-",
            "\\",
            "timestamp \"2006\"",
            "é",
        ];
        var templates = Gen.Elements(pieces).ListOf().Select(list => string.Concat(list));

        Prop.ForAll(
                templates.ToArbitrary(),
                text =>
                {
                    var (template, fault) = NameTemplate.Parse(text);
                    template?.Render(new NameFields("display", "role", Now));
                    return (template is null) != (fault is null);
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(5_000).WithQuietOnSuccess(true));
    }
}
