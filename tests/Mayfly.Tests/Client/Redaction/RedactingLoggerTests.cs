using System.Diagnostics;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Client;
using Mayfly.Client.Redaction;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Mayfly.Tests.Client.Redaction;

public sealed class RedactingLoggerTests : IDisposable
{
    private const string Secret = "kR7-mayfly:canary/02";

    private readonly CapturingProvider _provider = new();
    private readonly SecretRegistry _registry = new();
    private readonly ILoggerFactory _factory;
    private readonly ILogger _logger;

    public RedactingLoggerTests()
    {
        _registry.Add(Secret);
        _factory = LoggerFactory.Create(logging =>
            logging.AddMayflyRedaction(new Redactor(_registry)).AddProvider(_provider)
        );
        _logger = _factory.CreateLogger("test");
    }

    private CapturingProvider.Entry Last => _provider.Entries.Last();

    public void Dispose() => _factory.Dispose();

    [Fact]
    public void Messages_and_structured_values_lose_secrets()
    {
        var escaped = Uri.EscapeDataString(Secret);
        _logger.LogInformation(
            "{User} logs in with {Password} at {Address}",
            "app",
            Secret,
            new Uri($"https://h/?p={escaped}")
        );

        Assert.Equal("app logs in with [redacted] at https://h/?p=[redacted]", Last.Message);
        Assert.Equal("app", Last.Fields["User"]);
        Assert.Equal(Redactor.Mask, Last.Fields["Password"]);
        Assert.Equal("https://h/?p=[redacted]", Last.Fields["Address"]);
        Assert.Equal("{User} logs in with {Password} at {Address}", Last.Fields["{OriginalFormat}"]);
    }

    [Fact]
    public void A_message_with_a_secret_in_its_template_loses_it_there_too()
    {
#pragma warning disable CA2254 // What people do.
        _logger.LogInformation($"password={Secret}");
#pragma warning restore CA2254

        Assert.Equal("password=[redacted]", Last.Message);
        Assert.Equal("password=[redacted]", Last.Fields["{OriginalFormat}"]);
    }

    [Fact]
    public void A_secret_that_is_split_over_arguments_is_found()
    {
        _logger.LogInformation("{A}{B}", "user=x;pw=kR7-mayfly", ":canary/02;end");

        Assert.Equal("user=x;pw=[redacted];end", Last.Message);
        Assert.Equal("user=x;pw=[redacted]", Last.Fields["A"]);
        Assert.Equal("[redacted];end", Last.Fields["B"]);
    }

    [Fact]
    public void However_a_secret_is_split_over_arguments_nothing_of_it_is_left() =>
        Prop.ForAll(
                Gen.Choose(1, 19).Two().ToArbitrary(),
                ArbMap.Default.ArbFor<NonNull<string>>(),
                (cuts, filler) =>
                {
                    var (first, second) = (Math.Min(cuts.Item1, cuts.Item2), Math.Max(cuts.Item1, cuts.Item2));
                    _logger.LogInformation(
                        "{X}|{A}{B}{C}",
                        filler.Get,
                        Secret[..first],
                        Secret[first..second],
                        Secret[second..]
                    );

                    return Last.Message == filler.Get + "|" + Redactor.Mask
                        && (string?)Last.Fields["A"] == Redactor.Mask
                        && Last.Fields["B"] is "" or Redactor.Mask
                        && Last.Fields["C"] is Redactor.Mask
                        && (string?)Last.Fields["X"] == filler.Get;
                }
            )
            .QuickCheckThrowOnFailure();

    [Fact]
    public void A_secret_that_is_split_over_fields_without_a_template_is_found()
    {
        var state = new Dictionary<string, object?>
        {
            ["A"] = "kR7-mayfly",
            ["B"] = ":canary/02",
            ["C"] = "else",
        };
        _logger.Log(LogLevel.Information, default, state, null, (said, _) => $"{said["A"]}{said["B"]} {said["C"]}");

        Assert.Equal("[redacted] else", Last.Message);
        Assert.Equal([Redactor.Mask, Redactor.Mask, "else"], Last.Fields.Values);
    }

    [Fact]
    public void Lists_maps_bytes_and_objects_lose_secrets()
    {
        _logger.LogInformation(
            "{List} {Map} {Bytes} {Object} {Number} {Kept}",
            new[] { "a", Secret },
            new Dictionary<string, object?> { ["deep"] = new[] { Secret } },
            System.Text.Encoding.UTF8.GetBytes(Secret),
            new Thing(Secret),
            42,
            new SecretString(Secret)
        );

        Assert.DoesNotContain(Secret, Last.Text, StringComparison.Ordinal);
        Assert.Equal(["a", Redactor.Mask], Assert.IsType<string[]>(Last.Fields["List"]));
        Assert.Equal(
            [Redactor.Mask],
            Assert.IsType<string[]>(Assert.IsType<KeyValuePair<string, object?>[]>(Last.Fields["Map"]).Single().Value)
        );
        Assert.Equal(Redactor.Mask, Last.Fields["Bytes"]);
        Assert.Equal("Thing { Value = [redacted] }", Last.Fields["Object"]);
        Assert.Equal(42, Last.Fields["Number"]);
    }

    [Fact]
    public void Exceptions_lose_secrets_in_message_stack_trace_data_and_inner_ones()
    {
        Exception thrown;
        try
        {
            try
            {
                throw new InvalidOperationException($"no connection with {Secret}")
                {
                    Data = { ["dsn"] = $"pw={Secret}" },
                };
            }
            catch (InvalidOperationException inner)
            {
                throw new AggregateException("several", inner, new ArgumentException(Secret));
            }
        }
        catch (AggregateException e)
        {
            thrown = e;
        }

        _logger.LogError(thrown, "it failed: {Reason}", thrown);

        Assert.DoesNotContain(Secret, Last.Text, StringComparison.Ordinal);
        var shown = Assert.IsType<RedactedException>(Last.Exception);
        Assert.Equal("System.AggregateException", shown.OriginalType);
        Assert.Contains(
            nameof(Exceptions_lose_secrets_in_message_stack_trace_data_and_inner_ones),
            shown.StackTrace,
            StringComparison.Ordinal
        );
        Assert.Equal("no connection with [redacted]", shown.InnerException!.Message);
        Assert.Equal("pw=[redacted]", shown.InnerException.Data["dsn"]);
        Assert.IsType<RedactedException>(Last.Fields["Reason"]);
    }

    [Fact]
    public void Scopes_lose_secrets_even_those_that_began_before_the_secret_was_known()
    {
        using var activity = new Activity("work").AddTag("tag", "later-known-secret").Start();
        using var one = _logger.BeginScope("in {Place} with {Later}", Secret, "later-known-secret");
        using var two = _logger.BeginScope(new Dictionary<string, object?> { ["key"] = Secret });
        using var three = _logger.BeginScope(Secret);
        _registry.Add("later-known-secret");
        _logger.LogInformation("inside");

        Assert.Equal(3, Last.Scopes.Count);
        Assert.DoesNotContain(Secret, Last.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("later-known-secret", Last.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_logging_makes_of_activities_loses_secrets()
    {
        using var provider = new CapturingProvider();
        using var factory = LoggerFactory.Create(logging =>
            logging
                .AddProvider(provider)
                .Configure(options =>
                    options.ActivityTrackingOptions = ActivityTrackingOptions.Tags | ActivityTrackingOptions.SpanId
                )
                .AddMayflyRedaction(new Redactor(_registry))
        );
        using var activity = new Activity("work").AddTag("url", $"https://h/?{Secret}").Start();
        factory.CreateLogger("test").LogInformation("inside");

        var entry = provider.Entries.Single();
        Assert.NotEmpty(entry.Scopes);
        Assert.Contains("[redacted]", entry.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, entry.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_free_of_secrets_reaches_the_provider_as_it_was_and_its_message_is_made_once()
    {
        var state = new Dictionary<string, object?> { ["A"] = 1 };
        var failure = new InvalidOperationException("nothing secret");
        var made = 0;
        _logger.Log(LogLevel.Information, new EventId(7), state, failure, (_, _) => $"made {++made} times");

        Assert.Equal("made 1 times", Last.Message);
        Assert.Same(failure, Last.Exception);
        Assert.Equal(1, Last.Fields["A"]);
        Assert.Equal(1, made);
    }

    [Fact]
    public void Filters_of_a_provider_go_on_working_and_what_is_not_enabled_is_not_made()
    {
        using var provider = new CapturingProvider();
        using var services = new ServiceCollection()
            .AddLogging(logging =>
                logging
                    .AddProvider(provider)
                    .AddMayflyRedaction(new Redactor(_registry))
                    .AddMayflyRedaction()
                    .AddFilter<CapturingProvider>("noisy", LogLevel.Error)
            )
            .BuildServiceProvider();
        var factory = services.GetRequiredService<ILoggerFactory>();
        factory.CreateLogger("noisy").LogWarning("not told {Thing}", Secret);
        services.GetRequiredService<ILogger<RedactingLoggerTests>>().LogWarning("told {Thing}", Secret);
        factory
            .CreateLogger("noisy")
            .Log(LogLevel.Debug, default, 0, null, (_, _) => throw new InvalidOperationException());

        Assert.Equal("told [redacted]", provider.Entries.Single().Message);
    }

    [Fact]
    public void A_provider_that_is_added_later_gets_no_secrets_either()
    {
        using var late = new CapturingProvider();
        _factory.AddProvider(late);
        using var scope = _logger.BeginScope("{Thing}", Secret);
        _logger.LogInformation(Secret);

        Assert.DoesNotContain(Secret, late.Entries.Single().Text, StringComparison.Ordinal);
    }

    private sealed record Thing(string Value);
}
