using Mayfly.Core.Consumers;
using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Rotation;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mayfly.Tests.Rotation;

public sealed class RotationTests
{
    private static readonly RotationTerms Hourly = new()
    {
        Schedule = new RotationSchedule { Period = TimeSpan.FromHours(1) },
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_secret_is_not_rotated_before_its_period_is_over()
    {
        await using var bench = await RotationBench.StartAsync(Hourly);
        await bench.RunAsync();
        bench.Time.Advance(TimeSpan.FromMinutes(59));
        await bench.RunAsync();
        Assert.Equal("first", await bench.ReadAsync());

        bench.Time.Advance(TimeSpan.FromMinutes(1));
        await bench.RunAsync();

        Assert.NotEqual("first", await bench.ReadAsync());
        var record = await bench.RecordAsync();
        Assert.Equal(bench.Time.GetUtcNow(), record.LastRotation);
        Assert.Equal(bench.Time.GetUtcNow() + TimeSpan.FromHours(1), record.NextRotation);
        Assert.Equal(RotationText.BySchedule, Assert.Single(record.History).Reason);
    }

    [Fact]
    public async Task The_old_of_two_credentials_is_valid_until_its_turn_comes()
    {
        await using var bench = await RotationBench.StartAsync(Hourly);
        await bench.NextAsync();
        Assert.True(bench.Database.Accepts(ModelRotator.Initial.Current));

        await bench.NextAsync();

        Assert.False(bench.Database.Accepts(ModelRotator.Initial.Current));
    }

    [Fact]
    public async Task The_old_credential_ends_when_its_grace_is_over()
    {
        var grace = TimeSpan.FromMinutes(10);
        await using var bench = await RotationBench.StartAsync(Hourly with { RetireAfter = grace });
        await bench.NextAsync();
        Assert.Equal(RotationStep.Retire, (await bench.RecordAsync()).Step);
        Assert.True(bench.Database.Accepts(ModelRotator.Initial.Current));

        bench.Time.Advance(grace);
        await bench.RunAsync();

        Assert.False(bench.Database.Accepts(ModelRotator.Initial.Current));
        Assert.Equal(RotationStep.Idle, (await bench.RecordAsync()).Step);
    }

    [Fact]
    public async Task What_fails_is_tried_again_later_each_time_and_never_at_once()
    {
        await using var bench = await RotationBench.StartAsync(Hourly);
        bench.Database.IsAway = true;
        var pauses = new List<TimeSpan>();
        while (pauses.Count < 5)
        {
            await bench.NextAsync();
            var record = await bench.RecordAsync();
            Assert.Equal(RotationStep.Idle, record.Step);
            Assert.Equal("set: the database is away", record.LastError);
            Assert.Equal("first", await bench.ReadAsync());
            pauses.Add(record.Due()!.Value - bench.Time.GetUtcNow());
        }

        Assert.True(pauses[0] >= TimeSpan.FromSeconds(10));
        Assert.All(pauses.Zip(pauses.Skip(1)), pair => Assert.True(pair.Second > pair.First));

        bench.Database.IsAway = false;
        await bench.NextAsync();
        Assert.Equal(("", 0), ((await bench.RecordAsync()).LastError, (await bench.RecordAsync()).Failures));
    }

    [Fact]
    public async Task Going_back_goes_on_until_it_has_succeeded()
    {
        await using var bench = await RotationBench.StartAsync(Hourly with { Mode = RotationMode.Atomic });
        bench.Database.IsAway = true;
        for (var i = 0; i < 4; i++)
        {
            await bench.NextAsync();
            var record = await bench.RecordAsync();
            Assert.Equal(RotationStep.Revert, record.Step);
            Assert.Equal("set: the database is away", record.Attempt!.Error);
            Assert.True(record.Due() > bench.Time.GetUtcNow());
        }

        bench.Database.IsAway = false;
        await bench.NextAsync();
        Assert.Equal(RotationStep.Idle, (await bench.RecordAsync()).Step);
        Assert.True(bench.Database.Accepts(ModelRotator.Initial.Current));
    }

    [Fact]
    public async Task What_missed_its_window_waits_for_the_next()
    {
        var schedule = RotationSchedule.From(null, "0 3 * * *", TimeSpan.FromHours(1)).Schedule!;
        await using var bench = await RotationBench.StartAsync(new RotationTerms { Schedule = schedule });
        var due = (await bench.RecordAsync()).NextRotation!.Value;
        bench.Time.Advance(due - bench.Time.GetUtcNow() + TimeSpan.FromHours(2));

        await bench.RunAsync();

        var record = await bench.RecordAsync();
        Assert.Equal("first", await bench.ReadAsync());
        Assert.Equal(due.AddDays(1), record.NextRotation);
        Assert.Contains("passed without a rotation", record.LastError, StringComparison.Ordinal);

        await bench.NextAsync();
        Assert.NotEqual("first", await bench.ReadAsync());
        Assert.Equal("", (await bench.RecordAsync()).LastError);
    }

    [Fact]
    public async Task A_request_rotates_now_and_says_why_it_could_not()
    {
        await using var bench = await RotationBench.StartAsync(new RotationTerms());
        var (record, fault) = await bench.RotateAsync("because", emergency: false);
        Assert.Null(fault);
        Assert.Equal("because", record!.History[0].Reason);
        Assert.NotEqual("first", await bench.ReadAsync());

        await using var broken = await RotationBench.StartAsync(
            new RotationTerms(),
            [Mishap.None, Mishap.None, Mishap.None, Mishap.None, Mishap.Fails]
        );
        (record, fault) = await broken.RotateAsync("because", emergency: false);
        Assert.Equal(FaultKind.Unavailable, fault!.Kind);
        Assert.Contains("the database is away", fault.Messages[0], StringComparison.Ordinal);
        // Nobody asked for it to be tried again.
        Assert.Null(record!.Due());
    }

    [Fact]
    public async Task Consumers_get_the_new_credential_first_and_the_rotation_waits_for_all_of_them()
    {
        var terms = Hourly with { ConsumerWait = TimeSpan.FromMinutes(30) };
        await using var bench = await RotationBench.StartAsync(terms);
        bench.Time.Advance(TimeSpan.FromMinutes(58));
        Assert.Equal("first", await bench.ReadAsync("app/1"));
        Assert.Equal("first", await bench.ReadAsync("app/2"));
        bench.Time.Advance(TimeSpan.FromMinutes(2));
        await bench.RunAsync();
        var record = await bench.RecordAsync();
        Assert.Equal(RotationStep.Wait, record.Step);
        Assert.Equal(["app/1", "app/2"], record.Awaited);

        // Others keep what they have; the two are given the new one.
        Assert.Equal("first", await bench.ReadAsync());
        var next = await bench.ReadAsync("app/1");
        Assert.NotEqual("first", next);
        await bench.Rotations.IdleAsync();
        Assert.Equal(RotationStep.Wait, (await bench.RecordAsync()).Step);

        Assert.Equal(next, await bench.ReadAsync("app/2"));
        await bench.Rotations.IdleAsync();

        Assert.Equal(RotationStep.Idle, (await bench.RecordAsync()).Step);
        Assert.Equal(next, await bench.ReadAsync());
    }

    [Fact]
    public async Task Whoever_acknowledges_is_waited_for_until_it_acknowledges_the_new_version()
    {
        var terms = Hourly with { ConsumerWait = TimeSpan.FromMinutes(30) };
        await using var bench = await RotationBench.StartAsync(terms);
        bench.Time.Advance(TimeSpan.FromMinutes(58));
        await bench.ReadAsync("app/1");
        bench.Consumers.Acknowledge(RotationBench.ReadPath, "app/1", "token", "");
        bench.Time.Advance(TimeSpan.FromMinutes(2));
        await bench.RunAsync();

        Assert.NotEqual("first", await bench.ReadAsync("app/1"));
        await bench.Rotations.IdleAsync();
        Assert.Equal(RotationStep.Wait, (await bench.RecordAsync()).Step);
        bench.Consumers.Acknowledge(RotationBench.ReadPath, "app/1", "token", "another one");
        await bench.Rotations.IdleAsync();
        Assert.Equal(RotationStep.Wait, (await bench.RecordAsync()).Step);

        bench.Consumers.Acknowledge(
            RotationBench.ReadPath,
            "app/1",
            "token",
            (await bench.RecordAsync()).Attempt!.Version
        );
        await bench.Rotations.IdleAsync();

        Assert.Equal(RotationStep.Idle, (await bench.RecordAsync()).Step);
    }

    [Fact]
    public async Task Only_those_who_are_named_are_waited_for_where_some_are_named()
    {
        var terms = Hourly with { ConsumerWait = TimeSpan.FromMinutes(30), Consumers = ["app/*", "batch"] };
        await using var bench = await RotationBench.StartAsync(terms);
        bench.Time.Advance(TimeSpan.FromMinutes(60));
        await bench.ReadAsync("app/1");
        await bench.ReadAsync("curious/1");
        await bench.RunAsync();
        Assert.Equal(["app/1"], (await bench.RecordAsync()).Awaited);
        await bench.RestartAsync();
        await bench.ReadAsync("app/1");
        bench.Consumers.Acknowledge(RotationBench.ReadPath, "curious/1", "token", "another one");
        bench.Time.Advance(ConsumerBook.Lifetime - TimeSpan.FromMinutes(1));
        await bench.ReadAsync("app/1");
        bench.Consumers.Acknowledge(RotationBench.ReadPath, "curious/1", "token", "another one");
        bench.Time.Advance(TimeSpan.FromMinutes(1));

        await bench.RunAsync();

        Assert.Equal(RotationStep.Idle, (await bench.RecordAsync()).Step);
        Assert.Contains(bench.Consumers.Of(RotationBench.ReadPath), consumer => consumer.Name == "curious/1");
    }

    [Fact]
    public async Task A_consumer_that_is_gone_is_not_waited_for()
    {
        var terms = Hourly with { ConsumerWait = TimeSpan.FromMinutes(30) };
        await using var bench = await RotationBench.StartAsync(terms);
        bench.Time.Advance(TimeSpan.FromMinutes(58));
        await bench.ReadAsync("app/1");
        bench.Time.Advance(TimeSpan.FromMinutes(2));
        await bench.RunAsync();
        Assert.Equal(RotationStep.Wait, (await bench.RecordAsync()).Step);

        await bench.NextAsync();

        Assert.Equal(TimeSpan.FromMinutes(63), bench.Time.GetUtcNow() - new ManualTime().GetUtcNow());
        Assert.Equal(RotationStep.Idle, (await bench.RecordAsync()).Step);
        Assert.NotEqual("first", await bench.ReadAsync());
    }

    [Theory]
    [InlineData(LateConsumers.Revert)]
    [InlineData(LateConsumers.Proceed)]
    public async Task At_the_limit_the_rotation_goes_back_or_on_as_its_terms_say(LateConsumers late)
    {
        var terms = Hourly with { ConsumerWait = TimeSpan.FromMinutes(4), LateConsumers = late };
        await using var bench = await RotationBench.StartAsync(terms);
        bench.Time.Advance(TimeSpan.FromMinutes(60));
        await bench.ReadAsync("app/1");
        await bench.RunAsync();
        bench.Time.Advance(TimeSpan.FromMinutes(4));
        await bench.RunAsync();

        var record = await bench.RecordAsync();
        Assert.Equal(RotationStep.Idle, record.Step);
        if (late == LateConsumers.Proceed)
        {
            Assert.NotEqual("first", await bench.ReadAsync("app/1"));
            return;
        }

        Assert.Equal("first", await bench.ReadAsync("app/1"));
        Assert.Contains("app/1", record.LastError, StringComparison.Ordinal);
        Assert.Contains("behind", record.LastError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_restart_forgets_nobody_who_was_waited_for()
    {
        var terms = Hourly with { ConsumerWait = TimeSpan.FromMinutes(30) };
        await using var bench = await RotationBench.StartAsync(terms);
        bench.Time.Advance(TimeSpan.FromMinutes(60));
        await bench.ReadAsync("app/1");
        await bench.RunAsync();
        await bench.RestartAsync();
        Assert.Equal(RotationStep.Wait, (await bench.RecordAsync()).Step);

        // The new one is on offer again, without anything having come due.
        Assert.NotEqual("first", await bench.ReadAsync("app/1"));
        await bench.Rotations.IdleAsync();
        // Others may not have been heard of yet.
        Assert.Equal(RotationStep.Wait, (await bench.RecordAsync()).Step);

        bench.Time.Advance(ConsumerBook.Lifetime);
        await bench.RunAsync();
        Assert.Equal(RotationStep.Idle, (await bench.RecordAsync()).Step);
    }

    [Fact]
    public async Task With_one_credential_consumers_let_go_before_it_is_changed()
    {
        var terms = Hourly with { Mode = RotationMode.Coordinated, ConsumerWait = TimeSpan.FromMinutes(30) };
        await using var bench = await RotationBench.StartAsync(terms);
        bench.Time.Advance(TimeSpan.FromMinutes(60));
        await bench.ReadAsync("app/1");
        await bench.RunAsync();
        Assert.Equal("first", await bench.ReadAsync("app/1"));
        await bench.Rotations.IdleAsync();
        Assert.True(bench.Database.Accepts(ModelRotator.Initial.Current));

        bench.Consumers.Acknowledge(
            RotationBench.ReadPath,
            "app/1",
            "token",
            (await bench.RecordAsync()).Attempt!.Version
        );
        await bench.Rotations.IdleAsync();

        Assert.False(bench.Database.Accepts(ModelRotator.Initial.Current));
        Assert.True(bench.Database.Accepts((await bench.Onlooker.SecretAsync()).Current));
    }

    [Fact]
    public async Task Nobody_is_waited_for_before_there_is_a_first_credential()
    {
        await using var bench = await RotationBench.StartAsync(Hourly with { ConsumerWait = TimeSpan.FromMinutes(30) });
        var mount = bench.Rotations.ForMount(RotationBench.Id.MountUuid);

        Assert.Null(await mount.RotateAsync(RotationBench.Id.Target, "made", Cancellation, isFirst: true));
        Assert.Equal(RotationStep.Idle, (await bench.RecordAsync()).Step);

        Assert.Null(await mount.RotateAsync(RotationBench.Id.Target, "again", Cancellation));
        Assert.Equal(RotationStep.Wait, (await bench.RecordAsync()).Step);
    }

    [Fact]
    public async Task An_emergency_waits_for_nobody_and_ends_the_old_credential_at_once()
    {
        var terms = Hourly with { ConsumerWait = TimeSpan.FromMinutes(30) };
        await using var bench = await RotationBench.StartAsync(terms);
        bench.Time.Advance(TimeSpan.FromMinutes(60));
        await bench.ReadAsync("app/1");
        await bench.RunAsync();
        Assert.Equal(RotationStep.Wait, (await bench.RecordAsync()).Step);
        Assert.Equal(FaultKind.Conflict, (await bench.RotateAsync("me too", emergency: false)).Fault!.Kind);

        var (record, fault) = await bench.RotateAsync("leaked", emergency: true);

        Assert.Null(fault);
        Assert.Equal(RotationStep.Idle, record!.Step);
        Assert.Equal(("leaked", true), (record.History[0].Reason, record.History[0].Emergency));
        Assert.False(bench.Database.Accepts(ModelRotator.Initial.Current));
        Assert.True(bench.Database.Accepts((await bench.Onlooker.SecretAsync()).Current));
    }

    [Fact]
    public async Task An_emergency_that_fails_is_tried_again()
    {
        await using var bench = await RotationBench.StartAsync(
            new RotationTerms(),
            [Mishap.None, Mishap.None, Mishap.None, Mishap.None, Mishap.Fails]
        );
        var (_, fault) = await bench.RotateAsync("leaked", emergency: true);
        Assert.NotNull(fault);

        await bench.NextAsync();

        var record = await bench.RecordAsync();
        Assert.Equal("", record.History[0].Error);
        Assert.True(record.History[0].Emergency);
        Assert.False(bench.Database.Accepts(ModelRotator.Initial.Current));
    }

    [Theory]
    [InlineData(365 * 24)]
    [InlineData(-365 * 24)]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task A_clock_that_was_wrong_for_a_while_does_not_put_the_next_rotation_off(int hours)
    {
        await using var bench = await RotationBench.StartAsync(
            new RotationTerms { Schedule = new RotationSchedule { Period = TimeSpan.FromHours(24) } }
        );
        await LookAsync();
        bench.Time.Advance(TimeSpan.FromHours(1));
        bench.Time.Jump(TimeSpan.FromHours(hours));
        await LookAsync();
        await bench.RunAsync();
        await bench.RotateAsync("while the clock was wrong", emergency: false);
        var password = await bench.ReadAsync();
        bench.Time.Jump(TimeSpan.FromHours(-hours));
        await LookAsync();

        var record = await bench.RecordAsync();
        Assert.InRange(record.Due()!.Value, DateTimeOffset.MinValue, bench.Time.GetUtcNow() + TimeSpan.FromHours(24));
        Assert.True(record.LastRotation <= bench.Time.GetUtcNow());
        bench.Time.Advance(TimeSpan.FromHours(24));
        await bench.RunAsync();
        Assert.NotEqual(password, await bench.ReadAsync());

        ValueTask LookAsync() => bench.Rotations.LookAtClockAsync(NullLogger.Instance, Cancellation);
    }

    [Fact]
    public async Task What_was_under_way_while_the_clock_was_ahead_goes_on_when_it_is_right()
    {
        var terms = Hourly with
        {
            Mode = RotationMode.Coordinated,
            RetireAfter = TimeSpan.FromMinutes(10),
            ConsumerWait = TimeSpan.FromMinutes(30),
        };
        await using var bench = await RotationBench.StartAsync(terms);
        bench.Time.Advance(TimeSpan.FromMinutes(10));
        bench.Time.Jump(TimeSpan.FromDays(365));
        await bench.ReadAsync("app/1");
        await bench.RunAsync();
        Assert.Equal(RotationStep.Wait, (await bench.RecordAsync()).Step);
        bench.Consumers.Acknowledge(RotationBench.ReadPath, "app/1", "token", "another one");
        bench.Time.Jump(TimeSpan.FromDays(-365));

        // As at the start of the server that was running with the wrong time.
        await bench.RestartAsync();
        await bench.Rotations.LookAtClockAsync(NullLogger.Instance, Cancellation);
        for (var i = 0; (await bench.RecordAsync()).Step != RotationStep.Idle; i++)
        {
            Assert.InRange(i, 0, 10);
            await bench.NextAsync();
        }

        Assert.InRange(bench.Time.GetUtcNow() - new ManualTime().GetUtcNow(), TimeSpan.Zero, TimeSpan.FromHours(2));
    }

    [Fact]
    public async Task A_longer_period_counts_from_the_last_rotation()
    {
        await using var bench = await RotationBench.StartAsync(Hourly);
        await bench.NextAsync();
        var last = (await bench.RecordAsync()).LastRotation!.Value;
        bench.Time.Advance(TimeSpan.FromMinutes(5));
        var (record, _) = await bench.Records.GetAsync(RotationBench.Id, Cancellation);
        var longer = record!.Under(
            Hourly with
            {
                Schedule = new RotationSchedule { Period = TimeSpan.FromHours(2) },
            },
            bench.Time.GetUtcNow()
        );
        Assert.Equal(last + TimeSpan.FromHours(2), longer.NextRotation);
    }
}
