using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Engines.Database.PostgreSql;
using Mayfly.Core.Engines.Database.Sql;

namespace Mayfly.Tests.Engines.Database;

public sealed class SqlTemplateTests
{
    private const string Hostile = "x\"; DROP ROLE \"vault-admin\"; --'; $$ \\";

    [Theory]
    [InlineData("SELECT 1", "SELECT 1")]
    [InlineData(" SELECT 1 ; ; SELECT 2; ", "SELECT 1|SELECT 2")]
    [InlineData("SELECT ';', \";\" ; SELECT 'it''s;'", "SELECT ';', \";\"|SELECT 'it''s;'")]
    [InlineData("SELECT E'\\';' ; SELECT 2", "SELECT E'\\';'|SELECT 2")]
    [InlineData("SELECT 1 -- a;b\n; SELECT 2 /* ; /* ; */ ; */ ;", "SELECT 1 -- a;b|SELECT 2 /* ; /* ; */ ; */")]
    [InlineData("DO $$ BEGIN a; b; END $$; SELECT $t$;$$;$t$", "DO $$ BEGIN a; b; END $$|SELECT $t$;$$;$t$")]
    [InlineData("SELECT $1; SELECT a$b$;c$b$", "SELECT $1|SELECT a$b$|c$b$")]
    public void Statements_are_split_where_they_end(string text, string expected) =>
        Assert.Equal(expected.Split('|'), Render(text, "name"));

    [Theory]
    [InlineData("CREATE ROLE \"{{name}}\" PASSWORD '{{password}}'", "CREATE ROLE \"a\"\"b\" PASSWORD 'c''d'")]
    [InlineData("CREATE ROLE {{ name }} PASSWORD {{password}}", "CREATE ROLE \"a\"\"b\" PASSWORD 'c''d'")]
    [InlineData("DROP ROLE {{username}}", "DROP ROLE \"a\"\"b\"")]
    public void A_value_is_quoted_by_where_it_stands(string text, string expected)
    {
        var (template, fault) = SqlTemplate.Parse("f", [text], PostgresKind.Dialect, "name", "username", "password");
        Assert.Null(fault);

        var (sql, problem) = template!.Render(new SqlValues("a\"b", "c'd"));

        Assert.Null(problem);
        Assert.Equal([expected], sql);
    }

    [Theory]
    [InlineData("SELECT 'user {{name}}'")]
    [InlineData("SELECT \"{{name}}_owner\"")]
    [InlineData("SELECT E'{{name}}'")]
    [InlineData("DO $$ BEGIN EXECUTE 'GRANT x TO \"{{name}}\"'; END $$")]
    [InlineData("DO $$ BEGIN GRANT x TO {{name}}; END $$")]
    [InlineData("SELECT 1 -- {{name}}")]
    [InlineData("SELECT 1 /* {{name}} */")]
    [InlineData("SELECT x{{name}}")]
    public void Where_nothing_can_be_quoted_only_plain_values_are_put(string text)
    {
        Assert.Contains("v-token.a@b_1", Render(text, "v-token.a@b_1")[0], StringComparison.Ordinal);

        var (template, _) = SqlTemplate.Parse("f", [text], PostgresKind.Dialect, "name");
        var (sql, fault) = template!.Render(new SqlValues(Hostile));

        Assert.Null(sql);
        Assert.DoesNotContain("DROP", fault!.Messages[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SELECT 'a")]
    [InlineData("SELECT \"a")]
    [InlineData("SELECT /* a")]
    [InlineData("SELECT $$ a")]
    [InlineData("SELECT {{name")]
    [InlineData("SELECT {{secret}}")]
    [InlineData("SELECT {{a b}}")]
    [InlineData("COMMIT")]
    [InlineData("/* quietly */ ROLLBACK")]
    [InlineData("begin; SELECT 1")]
    public void What_cannot_be_a_part_of_a_transaction_is_refused(string text)
    {
        var (template, fault) = SqlTemplate.Parse("creation_statements", [text], PostgresKind.Dialect, "name");

        Assert.Null(template);
        Assert.StartsWith("creation_statements: ", fault!.Messages[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_is_written_is_statements_or_a_fault()
    {
        string[] pieces =
        [
            "'",
            "\"",
            "$$",
            "$a$",
            "--",
            "\n",
            "/*",
            "*/",
            ";",
            "{{name}}",
            "{{",
            "}}",
            "\\",
            "E",
            "x",
            " ",
        ];
        Prop.ForAll(
                Gen.Elements(pieces).ListOf().Select(list => string.Concat(list)).ToArbitrary(),
                text =>
                {
                    var (template, fault) = SqlTemplate.Parse("f", [text], PostgresKind.Dialect, "name");
                    var rendered = template?.Render(new SqlValues("plain"));
                    return template is null ? fault is not null : rendered?.Sql is not null;
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(5_000).WithQuietOnSuccess(true));
    }

    [Fact]
    public void A_template_without_places_keeps_its_text()
    {
        const string Text = "DO $do$ BEGIN PERFORM 1; /* x */ END $do$";

        Assert.Equal([Text], Render(Text, "name"));
    }

    private static IReadOnlyList<string> Render(string text, string name)
    {
        var (template, fault) = SqlTemplate.Parse("f", [text], PostgresKind.Dialect, "name");
        Assert.Null(fault);
        var (sql, problem) = template!.Render(new SqlValues(name));
        Assert.Null(problem);
        return sql!;
    }
}
