using System.Text;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Tests.Scanner.Rules;

public sealed class ChecksumTests
{
    // What the providers' own documents and sources show as examples; none of them was ever valid.
    [Theory]
    [InlineData("crc32-base62", "ghp", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17", true)]
    [InlineData("crc32-base62", "ghp", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18", false)]
    [InlineData("crc32-base62", "ghp", "aQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17", false)]
    [InlineData("crc32-hex", "glsa", "yscW25imSKJIuav8zF37RZmnbiDvB05G_fcaaf58a", true)]
    [InlineData("crc32-hex", "glsa", "yscW25imSKJIuav8zF37RZmnbiDvB05G_fcaaf58b", false)]
    public void A_checksum_holds_for_what_its_provider_has_published(
        string name,
        string prefix,
        string rest,
        bool holds
    ) => Assert.Equal(holds, Checksum.Find(name)!.Holds($"{prefix}_{rest}"));

    [Theory]
    [InlineData("crc32-base36", "bzoxd_Rb5_cHeWe1JH56wr2FCBA.0r1pum4t4", true)]
    [InlineData("crc32-base36", "bzoxd_Rb5_cHeWe1JH56wr2FCBB.0r1pum4t4", false)]
    [InlineData("jwt-header", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x", true)]
    [InlineData("jwt-header", "eyJhbGciOiJIUzI1NiJ.eyJzdWIiOiIxIn0.x", false)]
    [InlineData("jwt-header", "eyABCDEFGHIJKLMNOPQ.eyJzdWIiOiIxIn0.x", false)]
    [InlineData("base58check", "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", true)]
    [InlineData("base58check", "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTK", false)]
    [InlineData("base58check", "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyT0", false)]
    public void A_form_holds_for_what_its_standard_has_published(string name, string secret, bool holds) =>
        Assert.Equal(holds, Checksum.Find(name)!.Holds(secret));

    // Random ones are drawn from fixed seeds: see SecretTemplate.
    [Theory]
    [InlineData("{letters:20}", true)]
    [InlineData("DatabaseAdministratorPassword", false)]
    [InlineData("passwordConfirmationRequired", false)]
    [InlineData("HTTPServerCredentials", false)]
    [InlineData("Passwortwiederherstellung", false)]
    [InlineData("correcthorsebatterystaple", false)]
    [InlineData("twelve letters", false)]
    public void Random_letters_are_told_from_words(string template, bool random) =>
        Assert.Equal(random, Checksum.Find("random-letters")!.Holds(SecretTemplate.Fill(template, 3).Text));

    [Theory]
    [InlineData("curl \"https://api.acme.net/v1?api_key={hex:32}&x=1\"")]
    [InlineData("GET /v1/things?access_token={b62:32} HTTP/1.1 200")]
    [InlineData("curl -H \"X-Api-Key: {b62:40}\" https://api.acme.net/")]
    [InlineData("curl -H \"Authorization: Bearer ghp_{crc:36}\" https://api.acme.net/")]
    [InlineData("OPENAI_API_KEY=sk-{b62:20}T3BlbkFJ{b62:20}")]
    [InlineData("jdbc:postgresql://db:5432/x?user=app&password={b62:20}")]
    [InlineData("request.addHeader(\"X-Auth-Token\", \"{hex:32}\");")]
    public void Rules_that_overlap_report_one_secret_once(string template)
    {
        var text = Encoding.UTF8.GetBytes(SecretTemplate.Fill(template, 11).Text);
        Assert.Single(new SecretScanner(DefaultRules.Set).Scan(new Fragment(text, "ci.log")));
    }

    [Fact]
    public void Two_secrets_of_a_line_are_two_findings_also_when_they_are_the_same()
    {
        var secret = SecretTemplate.Fill("{b62:32}", 5).Text;
        var text = Encoding.UTF8.GetBytes($"api_key = \"{secret}\"; {new string(' ', 80)} other_token = \"{secret}\"");
        Assert.Equal(2, new SecretScanner(DefaultRules.Set).Scan(new Fragment(text, "a.js")).Count);
    }

    [Fact]
    public void A_value_of_a_Kubernetes_secret_is_not_reported_once_more_as_it_decodes()
    {
        var value = Convert.ToBase64String(Encoding.UTF8.GetBytes(SecretTemplate.Fill("{b62:18}", 5).Text));
        var text = Encoding.UTF8.GetBytes(
            $"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: {value}\n"
        );
        var scanner = new SecretScanner(DefaultRules.Set) { DecodeDepth = 5 };
        Assert.Equal("kubernetes-secret", Assert.Single(scanner.Scan(new Fragment(text, "secret.yaml"))).RuleId);
    }

    [Theory]
    [InlineData("")]
    [InlineData("_")]
    [InlineData("a_b")]
    [InlineData("....")]
    [InlineData("ey.é")]
    public void No_text_upsets_a_checksum(string text) =>
        Assert.All(Checksum.All, checksum => Assert.False(checksum.Holds(text)));

    [Fact]
    public void What_fails_its_checksum_is_explained_and_no_generic_rule_reports_it()
    {
        var told = new List<Suppression>();
        var scanner = new SecretScanner(DefaultRules.Set, told.Add);
        var text = $"GITHUB_TOKEN=ghp_{"zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"}0mLq18";
        Assert.Empty(scanner.Scan(new Fragment(Encoding.UTF8.GetBytes(text), "x.env")));
        Assert.Contains(
            told,
            reason => reason.RuleId == "github-token" && reason.Reason == "its checksum (crc32-base62) is wrong"
        );
        Assert.Contains(told, reason => reason.Reason == "the rule github-token knows what it is");
    }

    [Fact]
    public void A_secret_that_a_rule_knows_is_reported_once()
    {
        var (text, secret) = SecretTemplate.Fill("GITHUB_TOKEN=ghp_{crc:36}", 7);
        var finding = Assert.Single(
            new SecretScanner(DefaultRules.Set).Scan(new Fragment(Encoding.UTF8.GetBytes(text), "x.env"))
        );
        Assert.Equal("github-token", finding.RuleId);
        Assert.EndsWith(secret, finding.Secret, StringComparison.Ordinal);
    }

    [Fact]
    public void A_finding_at_the_start_of_a_line_is_on_that_line()
    {
        var text = Encoding.UTF8.GetBytes("a: 1\nDB_PASSWORD=Sup3rHarvest!2024\nb: 2\n");
        var finding = Assert.Single(new SecretScanner(DefaultRules.Set).Scan(new Fragment(text, "x.env")));
        Assert.Equal(2, finding.StartLine);
    }

    [Fact]
    public void An_unknown_checksum_is_refused_with_those_that_there_are()
    {
        var text = Encoding.UTF8.GetBytes("[[rules]]\nid = 'a'\nregex = 'x'\nchecksum = 'luhn'\n");
        var (rules, problem) = RuleFile.Read("r.toml", text, DefaultRules.Set, _ => null);
        Assert.Null(rules);
        Assert.Contains("\"luhn\", but crc32-base62, ", problem!, StringComparison.Ordinal);
    }
}
