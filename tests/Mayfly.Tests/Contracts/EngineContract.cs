using System.Text.Json;
using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Tests.Engines;

namespace Mayfly.Tests.Contracts;

/// <summary>What every engine and auth method keeps. A new one inherits this class and names its type.</summary>
public abstract class EngineContract
{
    protected abstract EngineType Type { get; }

    /// <summary>Options of the mount, where the type behaves differently with them.</summary>
    protected virtual IReadOnlyDictionary<string, string>? Options => null;

    /// <summary>
    /// Makes what the engine needs to issue: afterwards a read of each row that issues, with <c>x</c> for every variable part,
    /// gives a credential. An engine that issues and needs nothing beforehand leaves this as it is.
    /// </summary>
    protected virtual Task PrepareIssuingAsync(EngineHarness harness) => Task.CompletedTask;

    /// <summary>Makes secrets that the engine rotates, one of each kind, and gives the names by which it has them rotated.</summary>
    protected virtual Task<IReadOnlyList<string>> PrepareRotationAsync(EngineHarness harness) =>
        Task.FromResult<IReadOnlyList<string>>([]);

    protected Task<EngineHarness> StartAsync() =>
        EngineHarness.StartAsync(Type, Options, now: TimeProvider.System.GetUtcNow());

    [Fact]
    public async Task The_type_says_what_it_is()
    {
        await using var harness = await StartAsync();

        Assert.NotEmpty(Type.Name);
        Assert.NotEmpty(Type.Description);
        Assert.Equal(Type.Name.ToLowerInvariant(), Type.Name);
        Assert.NotEmpty(harness.Engine.Paths.Entries);
    }

    [Fact]
    public async Task Every_path_has_help_and_does_something()
    {
        await using var harness = await StartAsync();

        Assert.All(
            harness.Engine.Paths.Entries,
            entry =>
            {
                Assert.False(string.IsNullOrWhiteSpace(entry.Help), $"{entry.Pattern} has no help");
                Assert.True(Operations(entry).Any(), $"{entry.Pattern} supports no operation");
            }
        );
    }

    [Fact]
    public async Task Every_field_is_described_and_has_a_name_of_its_own()
    {
        await using var harness = await StartAsync();

        foreach (var entry in harness.Engine.Paths.Entries)
        {
            Assert.All(
                entry.Fields,
                field =>
                    Assert.False(
                        string.IsNullOrWhiteSpace(field.Description),
                        $"{entry.Pattern}: {field.Name} is not described"
                    )
            );
            Assert.Equal(entry.Fields.Count, entry.Fields.Select(field => field.Name).Distinct().Count());
        }
    }

    [Fact]
    public async Task Every_row_of_the_path_table_can_be_reached()
    {
        await using var harness = await StartAsync();
        var paths = harness.Engine.Paths;

        Assert.All(paths.Entries, entry => Assert.Same(entry, paths.Match(Sample(entry, "x"))?.Entry));
        Assert.Equal(paths.Entries.Count, paths.Entries.Select(entry => entry.Pattern).Distinct().Count());
    }

    [Fact]
    public async Task Whatever_is_sent_gets_a_response_or_a_fault()
    {
        await using var harness = await StartAsync();

        foreach (var entry in harness.Engine.Paths.Entries)
        {
            foreach (var body in HostileInput.Bodies(entry.Fields))
            {
                await CallAllAsync(harness, entry, Sample(entry, "x"), body);
            }

            foreach (var capture in HostileInput.Captures)
            {
                await CallAllAsync(harness, entry, Sample(entry, capture), body: null);
                await CallAllAsync(harness, entry, Sample(entry, capture), """{"data":{"a":"b"}}""");
            }

            foreach (var query in HostileInput.Queries(entry.Fields))
            {
                await CallAllAsync(harness, entry, Sample(entry, "x"), body: null, query);
            }
        }
    }

    [Fact]
    public async Task Unknown_fields_are_refused_where_the_body_is_not_the_callers_own()
    {
        await using var harness = await StartAsync();

        foreach (
            var entry in harness.Engine.Paths.Entries.Where(entry => entry is { FreeForm: false, Write: not null })
        )
        {
            var outcome = await harness.HandleAsync(
                Operation.Update,
                Sample(entry, "x"),
                """{"no_such_field":"shown-to-nobody"}"""
            );

            Assert.Equal(FaultKind.Invalid, outcome.Fault?.Kind);
            Assert.All(outcome.Fault!.Messages, message => Assert.DoesNotContain("shown-to-nobody", message));
        }
    }

    [Fact]
    public async Task Nothing_is_written_outside_the_view()
    {
        await using var harness = await StartAsync();
        foreach (var entry in harness.Engine.Paths.Entries)
        {
            foreach (var capture in HostileInput.Captures)
            {
                await CallAllAsync(harness, entry, Sample(entry, capture), """{"data":{"a":"b"}}""");
                await CallAllAsync(harness, entry, Sample(entry, capture), "{}");
            }
        }

        var records = await harness.Store.ScanAsync(
            StoreKey.Root,
            after: null,
            int.MaxValue,
            TestContext.Current.CancellationToken
        );

        // What it has rotated is written for it, elsewhere.
        var rotations = harness.Rotations.Records.View.Root;
        Assert.All(
            records,
            record => Assert.True(record.Key.StartsWith(harness.View.Root) || record.Key.StartsWith(rotations))
        );
    }

    [Fact]
    public async Task It_starts_again_on_whatever_it_wrote()
    {
        await using var harness = await StartAsync();
        foreach (var entry in harness.Engine.Paths.Entries)
        {
            foreach (var body in HostileInput.Bodies(entry.Fields))
            {
                await CallAllAsync(harness, entry, Sample(entry, "x"), body);
            }

            await harness.RestartAsync();
        }
    }

    [Fact]
    public async Task A_due_call_for_what_is_gone_does_nothing()
    {
        await using var harness = await StartAsync();
        var cancellation = TestContext.Current.CancellationToken;

        await harness.Engine.OnDueAsync("no/such/record", cancellation);
        await harness.Engine.OnDueAsync("x", cancellation);
    }

    [Fact]
    public async Task What_issues_leases_revokes_what_it_never_made_and_what_is_gone()
    {
        await using var harness = await StartAsync();
        var cancellation = TestContext.Current.CancellationToken;
        if (harness.Engine.Paths.Entries.All(entry => entry.Issue is null))
        {
            return;
        }

        var engine = Assert.IsType<IIssuesLeases>(harness.Engine, exactMatch: false);
        await PrepareIssuingAsync(harness);
        foreach (var entry in harness.Engine.Paths.Entries.Where(entry => entry.Issue is not null))
        {
            Assert.True(entry.HasEffects(Operation.Read), $"{entry.Pattern} is not audited before it runs");
            var before = harness.Leases.Count;
            var outcome = await harness.HandleAsync(Operation.Read, Sample(entry, "x"));
            Assert.True(outcome.Succeeded, $"{entry.Pattern}: {string.Join("; ", outcome.Fault?.Messages ?? [])}");
            outcome.Response?.Dispose();
            Assert.Equal(before + 1, harness.Leases.Count);
        }

        foreach (var lease in harness.Leases.ToList())
        {
            Assert.Null(await engine.RenewAsync(lease, cancellation));
            Assert.Null(await engine.RenewAsync(lease, cancellation));
            Assert.Null(await engine.RevokeAsync(lease, cancellation));
            Assert.Null(await engine.RevokeAsync(lease, cancellation));
        }
    }

    [Fact]
    public async Task What_rotates_its_secrets_carries_out_each_step_as_often_as_it_is_asked()
    {
        await using var harness = await StartAsync();
        if (harness.Engine is not IRotatesSecrets engine)
        {
            return;
        }

        var targets = await PrepareRotationAsync(harness);
        Assert.NotEmpty(targets);
        foreach (var target in targets)
        {
            // Goes back from each step, and then through.
            for (var steps = 0; steps <= 3; steps++)
            {
                var reverted = Rotation(target);
                await StepsAsync(engine, reverted, steps);
                await TwiceAsync(engine.RevertAsync, reverted);
            }

            var rotation = Rotation(target);
            await StepsAsync(engine, rotation, 3);
            await TwiceAsync(engine.PromoteAsync, rotation);
            await TwiceAsync(engine.RetireAsync, rotation);
        }

        SecretRotation Rotation(string target) =>
            new(target, Guid.NewGuid().ToString(), harness.Time.GetUtcNow(), Emergency: false);
    }

    [Fact]
    public async Task What_rotates_its_secrets_knows_no_target_that_it_never_had()
    {
        await using var harness = await StartAsync();
        if (harness.Engine is not IRotatesSecrets engine)
        {
            return;
        }

        foreach (var target in (string[])["no/such/target", "x", .. await PrepareRotationAsync(harness)])
        {
            var rotation = new SecretRotation(target + "-gone", Guid.NewGuid().ToString(), default, Emergency: false);
            var fault = await engine.CreateAsync(rotation, TestContext.Current.CancellationToken);
            Assert.Equal(FaultKind.NotFound, fault?.Kind);
        }
    }

    [Fact]
    public async Task A_token_that_owned_nothing_may_end()
    {
        await using var harness = await StartAsync();
        var cancellation = TestContext.Current.CancellationToken;

        await harness.Engine.OnTokenEndedAsync("no-such-accessor", cancellation);
        await harness.Engine.OnTokenEndedAsync("no-such-accessor", cancellation);
    }

    [Fact]
    public async Task Disposing_twice_is_fine()
    {
        await using var harness = await StartAsync();

        await harness.Engine.DisposeAsync();
        await harness.Engine.DisposeAsync();
    }

    private static async Task StepsAsync(IRotatesSecrets engine, SecretRotation rotation, int count)
    {
        Func<SecretRotation, CancellationToken, ValueTask<Fault?>>[] steps =
        [
            engine.CreateAsync,
            engine.SetAsync,
            engine.TestAsync,
        ];
        foreach (var step in steps[..count])
        {
            await TwiceAsync(step, rotation);
        }
    }

    private static async Task TwiceAsync(
        Func<SecretRotation, CancellationToken, ValueTask<Fault?>> step,
        SecretRotation rotation
    )
    {
        for (var time = 0; time < 2; time++)
        {
            var fault = await step(rotation, TestContext.Current.CancellationToken);
            Assert.True(fault is null, $"{step.Method.Name}: {string.Join("; ", fault?.Messages ?? [])}");
        }
    }

    /// <summary>The path that matches <paramref name="entry"/> with every variable part being <paramref name="capture"/>.</summary>
    private static string Sample(PathEntry entry, string capture) =>
        string.Join('/', entry.Pattern.Split('/').Select(segment => segment.StartsWith('{') ? capture : segment));

    private static IEnumerable<Operation> Operations(PathEntry entry) =>
        Enum.GetValues<Operation>().Where(operation => entry.Supports(operation));

    private static async Task CallAllAsync(
        EngineHarness harness,
        PathEntry entry,
        string path,
        string? body,
        IReadOnlyDictionary<string, string>? query = null
    )
    {
        foreach (var operation in Operations(entry).Where(operation => operation != Operation.Create))
        {
            var contentType = operation == Operation.Patch ? "application/merge-patch+json" : "application/json";
            Outcome outcome = default;
            try
            {
                outcome = await harness.HandleAsync(operation, path, body, query, contentType);
                Check(outcome.Response);
                Check(outcome.Fault);
            }
            catch (Exception e) when (e is not Xunit.Sdk.IAssertionException)
            {
                Assert.Fail($"{operation} {Shown(path)} with {Shown(body)}: {e}");
            }
            finally
            {
                outcome.Response?.Dispose();
                outcome.Fault?.Body?.Dispose();
            }
        }
    }

    private static void Check(Response? response)
    {
        if (response is { Data.IsEmpty: false, ContentType: null })
        {
            using var data = JsonDocument.Parse(response.Data, Json.DocumentOptions);
            Assert.Equal(JsonValueKind.Object, data.RootElement.ValueKind);
        }
    }

    private static void Check(Fault? fault)
    {
        if (fault is not null)
        {
            Assert.True(fault.Kind == FaultKind.NotFound || fault.Messages.Count > 0, $"{fault.Kind} says nothing");
            Assert.DoesNotContain("", fault.Messages);
            Check(fault.Body);
        }
    }

    private static string Shown(string? text) =>
        text is null ? "nothing"
        : text.Length <= 200 ? text
        : $"{text[..200]}… ({text.Length} characters)";
}
