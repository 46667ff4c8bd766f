using Mayfly.Core.Engines.Database.PostgreSql;

namespace Mayfly.Tests.Engines.Database;

public sealed class PostgresUrlTests
{
    [Theory]
    [InlineData(
        "postgresql://{{username}}:{{password}}@orders.internal:5432/",
        "host=orders.internal;port=5432;user={{username}};password={{password}}"
    )]
    [InlineData(
        "postgres://u:p%40ss@[::1]:5433/d%20b?sslmode=verify-full",
        "host=::1;port=5433;user=u;password=p@ss;dbname=d b;sslmode=verify-full"
    )]
    [InlineData(
        "postgres://a,b:5433/d?target_session_attrs=read-write",
        "host=a,b;port=,5433;dbname=d;target_session_attrs=read-write"
    )]
    [InlineData("postgres:///d?host=/run/postgresql", "host=/run/postgresql;dbname=d")]
    [InlineData(
        "host=h port = 5432 user='{{username}}' password={{password}} dbname='a \\'b'",
        "host=h;port=5432;user={{username}};password={{password}};dbname=a 'b"
    )]
    [InlineData("postgres://u:p@ss/word@h/d", "host=h;user=u;password=p@ss/word;dbname=d")]
    public void Both_forms_of_libpq_are_read(string text, string expected)
    {
        var (url, problem) = PostgresUrl.Parse(text);

        Assert.Null(problem);
        Assert.Equal(
            expected.Split(';').Order(StringComparer.Ordinal),
            url!.Settings.Select(setting => $"{setting.Key}={setting.Value}").Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("orders.internal")]
    [InlineData("host='h")]
    [InlineData("postgres://u:secret@h:port/")]
    [InlineData("mysql://secret@h")]
    public void What_is_no_address_is_refused_without_being_repeated(string text)
    {
        var (url, problem) = PostgresUrl.Parse(text);

        Assert.Null(url);
        Assert.DoesNotContain("secret", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgres://u:{{password}}@h/d", "postgres://u:{{password}}@h/d")]
    [InlineData("postgres://u:s3cret@h/d", "postgres://u:xxxxx@h/d")]
    [InlineData("postgres://u:s3%40cret@h/d", "postgres://u:xxxxx@h/d")]
    [InlineData("host=h password='s3 cret'", "host=h password='xxxxx'")]
    [InlineData("postgres://h/d?password=s3cret", "postgres://h/d?password=xxxxx")]
    [InlineData("host=h password=s3\\ cret", "(holds a password)")]
    [InlineData("postgres://u:{{password}}@h/d?sslpassword=s3cret", "postgres://u:{{password}}@h/d?sslpassword=xxxxx")]
    [InlineData("host=h password=s3cret sslpassword='s3cret2'", "(holds a password)")]
    [InlineData("s3cret", "(not readable)")]
    public void A_password_in_it_is_not_shown(string text, string shown) =>
        Assert.Equal(shown, PostgresUrl.Redacted(text));
}
