using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using Mayfly.Client.Redaction;
using Mayfly.Client.Testing;
using Mayfly.Tests.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Tests.Client;

[Collection(nameof(SecretFreeTests))]
[CollectionDefinition(nameof(SecretFreeTests), DisableParallelization = true)]
public sealed class SecretFreeTests
{
    private readonly string _canary = SecretFree.NewCanary();

    [Fact]
    public void It_passes_when_nothing_is_told()
    {
        using var check = new SecretFree(_canary);
        using var logging = LoggerFactory.Create(builder => builder.AddProvider(check.Logs));
        logging.CreateLogger("Orders").LogInformation("logged in as {User}", "app");
        Console.Out.WriteLine("fine");
        check.Check("reply", "{\"ok\":true}");

        check.Verify();
        Assert.Empty(check.Leaks());
    }

    [Fact]
    public void It_names_every_place_where_a_secret_was_told_and_never_the_secret()
    {
        var place = Guid.NewGuid().ToString("N");
        using var source = new ActivitySource(place);
        using var meter = new Meter(place);
        using var check = new SecretFree("some-other-canary", _canary);
        using var logging = LoggerFactory.Create(builder => builder.AddProvider(check.Logs));
        var logger = logging.CreateLogger("Orders");
        using (logger.BeginScope("in {Scope}", _canary))
        {
            logger.LogError(new InvalidOperationException(_canary), "with {Password}", _canary);
        }

        Console.Error.Write(_canary[..9]);
        Console.Error.WriteLine(_canary[9..]);
        Console.Out.WriteLine(Convert.ToBase64String(Encoding.UTF8.GetBytes("app:" + _canary)));
        using (var activity = source.StartActivity("query"))
        {
            activity!.SetTag("url", $"https://h/?p={Uri.EscapeDataString(_canary)}");
        }

        meter.CreateCounter<long>("queries").Add(1, new KeyValuePair<string, object?>("dsn", _canary));
        try
        {
            throw new ArgumentException("boo") { Data = { ["pw"] = _canary } };
        }
        catch (ArgumentException)
        {
            // It was thrown, that is enough.
        }

        check.Check("reply", "hvs.CAESIJ3kq0mayfly0canary0token9");
        var failure = Assert.Throws<SecretLeakException>(check.Verify);

        Assert.Equal(
            [
                "Console.Error",
                "Console.Out",
                "activity query of " + place + ": tag url",
                "log Orders: InvalidOperationException",
                "log Orders: field Password",
                "log Orders: message",
                "log Orders: scope Scope",
                "metric queries of " + place + ": tag dsn",
                "reply",
                "thrown: ArgumentException.Data",
            ],
            failure.Leaks.Select(leak => leak.Place).Distinct().Order(StringComparer.Ordinal)
        );
        Assert.All(failure.Leaks, leak => Assert.Equal(leak.Place == "reply" ? "a token" : "canary 2", leak.Secret));
        Assert.Contains(
            "canary 2 in log Orders: message, at 5: with [redacted]",
            failure.Message,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(_canary, failure.ToString(), StringComparison.Ordinal);
        var registry = new SecretRegistry();
        registry.Add(_canary);
        Assert.False(new Redactor(registry).FindsSecretIn(failure.ToString()));
    }

    [Fact]
    public void It_looks_into_files_and_their_names()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder.Path);
        File.WriteAllText(Path.Combine(folder.Path, "plain-canary-in-a-name.txt"), "fine");
        File.WriteAllBytes(
            Path.Combine(folder.Path, "wide.bin"),
            [0xFF, 0xFE, .. Encoding.Unicode.GetBytes("x plain-canary y")]
        );
        File.WriteAllBytes(Path.Combine(folder.Path, "words.bin"), Encoding.Unicode.GetBytes("x žluťoučký-kůň y"));
        File.WriteAllText(Path.Combine(folder.Path, "hex.log"), Convert.ToHexString("plain-canary"u8));
        using var check = new SecretFree(SecretFreeCaptures.None, "plain-canary", "žluťoučký-kůň");
        check.CheckFiles(folder.Path);

        Assert.Equal(
            ["file hex.log", "file wide.bin", "file words.bin, read as UTF-16", "the name of [redacted]-in-a-name.txt"],
            check.Leaks().Select(leak => leak.Place).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void It_gives_the_console_back_and_needs_canaries_that_can_be_found()
    {
        var (before, error) = (Console.Out, Console.Error);
        using (new SecretFree(_canary))
        {
            Assert.NotSame(before, Console.Out);
        }

        Assert.Same(before, Console.Out);
        Assert.Same(error, Console.Error);
        Assert.Throws<ArgumentException>(() => new SecretFree(SecretFreeCaptures.None, "short"));
        Assert.Throws<ArgumentException>(() => new SecretFree());
    }
}
