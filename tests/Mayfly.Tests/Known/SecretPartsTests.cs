using System.Text;
using System.Text.Json.Nodes;
using Mayfly.Core.Known;

namespace Mayfly.Tests.Known;

/// <summary>What of a stored secret can be looked for.</summary>
public sealed class SecretPartsTests
{
    [Theory]
    [InlineData("password", "Xk9#mQ2$vL7!pR4z", "Xk9#mQ2$vL7!pR4z")]
    [InlineData("password", "correct horse battery staple", "correct horse battery staple")]
    [InlineData("anything", "8fJ2kd9QmZx71LpW", "8fJ2kd9QmZx71LpW")]
    [InlineData("key", "c2VjcmV0LXZhbHVlLTEyMw==", "c2VjcmV0LXZhbHVlLTEyMw")]
    [InlineData("url", "postgres://app:Zk3%40vN8qLw2P@db.example.com:5432/shop", "Zk3@vN8qLw2P")]
    public void What_is_random_enough_takes_part(string name, string value, string part) =>
        Assert.Equal([part], Parts(name, value));

    [Theory]
    [InlineData("password", "short1Aa")]
    [InlineData("password", "aaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("password", "${DB_PASSWORD_OF_7}")]
    [InlineData("username", "svc-orders-prod-01")]
    [InlineData("host", "db-01.prod.example.com")]
    [InlineData("endpoint", "db-01.prod.example.com")]
    [InlineData("url", "https://db-01.prod.example.com/path")]
    [InlineData("contact", "ops-team-01@example.com")]
    [InlineData("folder", "/var/lib/app-01/data")]
    [InlineData("role", "arn:aws:iam::123456789012:role/App")]
    [InlineData("public_key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK3xZ9Qw7")]
    [InlineData("note", "the quick brown fox jumps")]
    public void What_is_no_secret_does_not(string name, string value) => Assert.Empty(Parts(name, value));

    [Fact]
    public void Documents_in_values_are_opened()
    {
        var account = new JsonObject { ["type"] = "service_account", ["private_key_id"] = "0c5fa31b7de94c21aa07" };
        Assert.Equal(["0c5fa31b7de94c21aa07"], Parts("file", account.ToJsonString()));
        Assert.Equal(
            ["Qm7vT2xK9pLs4Wd8"],
            Parts("env", "# settings\nHOST=db-01.prod.example.com\nDB_PASSWORD=\"Qm7vT2xK9pLs4Wd8\"\n")
        );
        Assert.Equal(["Qm7vT2xK9pLs4Wd8"], Parts("config", "[db]\npassword = Qm7vT2xK9pLs4Wd8"));
    }

    [Fact]
    public void Of_a_private_key_lines_are_looked_for_that_no_other_key_has()
    {
        var lines = Enumerable.Range(0, 6).Select(i => new string((char)('a' + i), 32) + new string('0', 32)).ToList();
        var key = $"-----BEGIN PRIVATE KEY-----\n{string.Join('\n', lines)}\n-----END PRIVATE KEY-----\n";
        Assert.Equal(lines[1..5], Parts("pem", key));
        Assert.Equal(lines[1..5], Parts("pem", key.Replace("\n", "\\n", StringComparison.Ordinal)));
        Assert.Empty(Parts("pem", key.Replace("PRIVATE KEY", "CERTIFICATE", StringComparison.Ordinal)));
    }

    private static List<string> Parts(string name, string value)
    {
        var parts = new List<string>();
        SecretParts.OfJson(
            Encoding.UTF8.GetBytes(new JsonObject { [name] = value }.ToJsonString()),
            part => parts.Add(Encoding.UTF8.GetString(part))
        );
        return parts;
    }
}
