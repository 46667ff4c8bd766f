using FsCheck;
using FsCheck.Fluent;
using Mayfly.Client.Redaction;

namespace Mayfly.Tests.Client.Redaction;

public sealed class RedactorTests
{
    private readonly SecretRegistry _registry = new();

    public static TheoryData<string> Encodings => [.. SecretEncodings.All.Keys];

    private Redactor Redactor => new(_registry);

    [Theory]
    [MemberData(nameof(Encodings))]
    public void No_secret_is_left_in_any_encoding(string name)
    {
        var encode = SecretEncodings.All[name];

        Prop.ForAll(
                SecretEncodings.Secret.ToArbitrary(),
                secret =>
                {
                    var registry = new SecretRegistry();
                    registry.Add(secret);
                    var encoded = encode(secret);

                    var output = new Redactor(registry).Redact($"before <{encoded}> after");

                    return !output.Contains(encoded, StringComparison.Ordinal)
                        && !output.Contains(secret, StringComparison.Ordinal)
                        // Base64 keeps at most what the first and last character tell of bytes beside the secret.
                        && output.Length < "before <> after".Length + 40 + encoded.Length / 40
                        && output.StartsWith("before <", StringComparison.Ordinal)
                        && output.EndsWith("> after", StringComparison.Ordinal);
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(60));
    }

    [Fact]
    public void Text_without_secrets_comes_back_as_the_same_instance() =>
        Prop.ForAll(
                ArbMap.Default.ArbFor<string>(),
                SecretEncodings.Secret.ToArbitrary(),
                (text, secret) =>
                {
                    text ??= "";
                    var registry = new SecretRegistry();
                    registry.Add("Wq7-some-other-secret");

                    return ReferenceEquals(text, new Redactor(registry).Redact(text))
                        && ReferenceEquals(secret, new Redactor(registry).Redact(secret));
                }
            )
            .QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("1", "step 1 of 1")]
    [InlineData("true", "{\"ok\":true}")]
    [InlineData("abcde", "the alphabet begins with abcde")]
    [InlineData("default", "the default policy")]
    [InlineData("123456", "request 91234567")]
    public void Short_values_and_ordinary_words_leave_logs_readable(string value, string text)
    {
        _registry.Add(value);

        Assert.Same(text, Redactor.Redact(text));
    }

    [Theory]
    [InlineData("s3cr3t", "password=s3cr3t;", "password=[redacted];")]
    [InlineData("s3cr3t", "s3cr3t", "[redacted]")]
    [InlineData("12345678", "id 9123456789", "id 9[redacted]9")]
    [InlineData("    pass", "<    pass>", "<[redacted]>")]
    public void Values_of_six_characters_are_found_where_they_stand_alone(string value, string text, string expected)
    {
        _registry.Add(value);

        Assert.Equal(expected, Redactor.Redact(text));
    }

    [Theory]
    [InlineData("token hvs.CAESIJ3kq0mayfly0canary0token9 used", "token [redacted] used")]
    [InlineData("hvb.AAAAAQKt-_mayflycanary00", "[redacted]")]
    [InlineData("X-Vault-Token: s.abcdefghijklmnopqrstuvwx", "X-Vault-Token: [redacted]")]
    [InlineData("this.is a.method of b.short or s.tooshort", "this.is a.method of b.short or s.tooshort")]
    [InlineData("hvs.short and args.abcdefghijklmnopqrstuvwx", "hvs.short and args.abcdefghijklmnopqrstuvwx")]
    public void Tokens_are_known_by_their_form(string text, string expected) =>
        Assert.Equal(expected, Redactor.Redact(text));

    [Theory]
    [InlineData("{\"host\":\"db\",\"password\":\"inner-secret-1\"}", "inner-secret-1")]
    [InlineData("postgres://app:p%40ss-secret@db:5432/orders", "p@ss-secret")]
    [InlineData("Host=db;Username=app;Password='quoted-secret'", "quoted-secret")]
    [InlineData(
        "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END KEY-----",
        "AQEFAASCBKcwggSjAgEAAoIB"
    )]
    public void What_is_secret_inside_a_value_is_found_alone(string value, string part)
    {
        _registry.Add(value);

        Assert.Equal("<[redacted]>", Redactor.Redact($"<{part}>"));
    }

    [Fact]
    public void A_part_of_a_long_secret_is_found()
    {
        var secret = string.Concat(Enumerable.Range(0, 200).Select(i => $"{i * 7919 % 1000:000}"));
        _registry.Add(secret);

        var output = Redactor.Redact($"dump: {secret[..300]}");

        // What is cut off in the middle of a piece of 64 characters can be left.
        Assert.True(output.Length <= "dump: ".Length + Redactor.Mask.Length + 63, output);
    }

    [Fact]
    public void A_secret_of_a_mebibyte_is_found_whole()
    {
        var secret = Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(1 << 19));
        _registry.Add(secret);

        Assert.Equal("<[redacted]>", Redactor.Redact($"<{secret}>"));
    }

    [Fact]
    public void What_the_mask_completes_to_a_secret_is_hidden_too()
    {
        _registry.Add("first-secret");
        _registry.Add("x[redacted]");

        Assert.DoesNotContain("x[redacted]", Redactor.Redact("xfirst-secret"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_can_be_declared_no_secret()
    {
        _registry.Add("db.example.com");
        _registry.Add("real-secret-55");
        _registry.Ignore("DB.example.com");
        _registry.Ignore("db.example.com");
        _registry.Add("db.example.com");

        Assert.Equal("db.example.com [redacted]", Redactor.Redact("db.example.com real-secret-55"));
    }

    [Fact]
    public void The_registry_stays_bounded_and_forgets_first_what_nothing_keeps()
    {
        var registry = new SecretRegistry(capacity: 100);
        var owner = new object();
        registry.Add("kept-by-its-owner", owner);
        for (var i = 0; i < 5_000; i++)
        {
            registry.Add($"short-lived-secret-{i}");
        }

        var redactor = new Redactor(registry);
        Assert.InRange(registry.Count, 50, 200);
        Assert.InRange(registry.Forgotten, 4_800, 4_950);
        Assert.Equal(Redactor.Mask, redactor.Redact("kept-by-its-owner"));
        Assert.Equal(Redactor.Mask, redactor.Redact("short-lived-secret-4999"));
        Assert.Equal("short-lived-secret-0", redactor.Redact("short-lived-secret-0"));
        GC.KeepAlive(owner);
    }

    [Fact]
    public async Task Values_are_found_while_others_are_added()
    {
        _registry.Add("always-there-secret");
        var redactor = Redactor;
        var adding = Task.Run(
            () =>
            {
                for (var i = 0; i < 3_000; i++)
                {
                    _registry.Add($"added-meanwhile-{i}");
                    Assert.Equal(Redactor.Mask, redactor.Redact($"added-meanwhile-{i}"));
                }
            },
            TestContext.Current.CancellationToken
        );
        while (!adding.IsCompleted)
        {
            Assert.Equal(Redactor.Mask, redactor.Redact("always-there-secret"));
        }

        await adding;
    }

    [Fact]
    public void Nothing_is_allocated_when_nothing_is_found()
    {
        for (var i = 0; i < 1_000; i++)
        {
            _registry.Add($"some-secret-{i}-of-many");
        }

        var redactor = Redactor;
        const string text =
            "GET https://host/path?q=a%20b took 12 ms: {\"a\":\"b\\n\"} &amp; no secrets here\n  at X.Y()";
        _ = redactor.Redact(text);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            _ = redactor.Redact(text);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
