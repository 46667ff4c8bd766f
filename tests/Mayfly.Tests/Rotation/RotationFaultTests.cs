using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Engines;
using Mayfly.Core.Rotation;

namespace Mayfly.Tests.Rotation;

/// <summary>
/// Whatever fails and whenever the process dies: readers get a credential that works, and in the end the rotation is done or has
/// gone back and says why.
/// </summary>
public sealed class RotationFaultTests
{
    private const int MorePointsThanThereAre = 40;

    private static readonly Mishap[] Mishaps =
    [
        Mishap.Fails,
        Mishap.FailsAfterwards,
        Mishap.DiesBefore,
        Mishap.DiesAfter,
    ];

    [Theory]
    [InlineData(RotationMode.DualCredential)]
    [InlineData(RotationMode.Atomic)]
    [InlineData(RotationMode.Coordinated)]
    public async Task Every_single_mishap_at_every_point_leaves_a_credential_that_works(RotationMode mode)
    {
        var points = await RunAsync(mode, []);
        Assert.InRange(points, 8, MorePointsThanThereAre);
        for (var point = 0; point < points; point++)
        {
            foreach (var mishap in Mishaps)
            {
                await RunAsync(mode, [.. Enumerable.Repeat(Mishap.None, point), mishap]);
            }
        }
    }

    [Theory]
    [InlineData(RotationMode.DualCredential)]
    [InlineData(RotationMode.Atomic)]
    [InlineData(RotationMode.Coordinated)]
    public async Task An_emergency_survives_every_single_mishap_at_every_point(RotationMode mode)
    {
        foreach (var isWaiting in (bool[])[false, true])
        {
            var (before, points) = await EmergencyAsync(mode, isWaiting, []);
            Assert.InRange(points - before, 6, MorePointsThanThereAre);
            for (var point = before; point < points; point++)
            {
                foreach (var mishap in Mishaps)
                {
                    await EmergencyAsync(mode, isWaiting, [.. Enumerable.Repeat(Mishap.None, point), mishap]);
                }
            }
        }
    }

    [Theory]
    [InlineData(RotationMode.DualCredential)]
    [InlineData(RotationMode.Atomic)]
    public async Task Every_pair_of_mishaps_leaves_a_credential_that_works(RotationMode mode)
    {
        for (var first = 0; first < 14; first++)
        {
            for (var gap = 0; gap < 5; gap++)
            {
                foreach (var (one, other) in Mishaps.SelectMany(_ => Mishaps, (one, other) => (one, other)))
                {
                    await RunAsync(
                        mode,
                        [.. Enumerable.Repeat(Mishap.None, first), one, .. Enumerable.Repeat(Mishap.None, gap), other]
                    );
                }
            }
        }
    }

    [Fact]
    public void Any_sequence_of_mishaps_leaves_a_credential_that_works() =>
        Prop.ForAll(
                (
                    from mishaps in Gen.Frequency((5, Gen.Constant(Mishap.None)), (4, Gen.Elements(Mishaps))).ArrayOf()
                    from mode in Gen.Elements(
                        RotationMode.DualCredential,
                        RotationMode.Atomic,
                        RotationMode.Coordinated
                    )
                    select (mode, mishaps)
                ).ToArbitrary(),
                sample =>
                {
                    RunAsync(sample.mode, sample.mishaps).GetAwaiter().GetResult();
                    return true;
                }
            )
            .QuickCheckThrowOnFailure();

    /// <summary>Runs an emergency to its end, out of the blue or while a rotation waits for consumers.</summary>
    /// <returns>How many points were passed before it was asked for, and at its end.</returns>
    private static async Task<(int Before, int Points)> EmergencyAsync(
        RotationMode mode,
        bool isWaiting,
        IReadOnlyList<Mishap> mishaps
    )
    {
        var terms = new RotationTerms
        {
            Mode = mode,
            Schedule = new RotationSchedule { Period = TimeSpan.FromHours(1) },
            RetireAfter = TimeSpan.FromMinutes(10),
            ConsumerWait = TimeSpan.FromMinutes(30),
        };
        await using var bench = await RotationBench.StartAsync(terms, mishaps);
        if (isWaiting)
        {
            bench.Time.Advance(TimeSpan.FromHours(1));
            await bench.ReadAsync("app/1");
            await bench.RunAsync();
        }

        var leaked = (await bench.Onlooker.SecretAsync()).Current;
        var before = bench.Trouble.Points;
        for (var i = 0; !await IsAskedForAsync(); i++)
        {
            Assert.InRange(i, 0, 3);
            try
            {
                await bench.RotateAsync("leaked", emergency: true);
            }
            catch (Exception e) when (e is ProcessDiedException or TimeoutException)
            {
                // Whoever asks asks again, unless it is known already.
            }

            await bench.ReviveAsync();
            await bench.CheckAsync();
        }

        for (var i = 0; bench.Database.Accepts(leaked); i++)
        {
            Assert.True(i < 100, "the leaked credential does not end");
            await bench.NextAsync();
            await bench.CheckAsync();
        }

        var record = await bench.RecordAsync();
        Assert.Contains(record.History.Select(outcome => outcome.Emergency).Append(record.IsUnderWay), known => known);
        return (before, bench.Trouble.Points);

        async Task<bool> IsAskedForAsync()
        {
            var asked = await bench.RecordAsync();
            return asked.Request is { Emergency: true }
                || asked.Attempt is { Emergency: true }
                || asked.History.Any(outcome => outcome.Emergency);
        }
    }

    /// <summary>Runs until two rotations have succeeded; gives the number of points that the first ones passed.</summary>
    private static async Task<int> RunAsync(RotationMode mode, IReadOnlyList<Mishap> mishaps)
    {
        var terms = new RotationTerms
        {
            Mode = mode,
            Schedule = new RotationSchedule { Period = TimeSpan.FromHours(1) },
            RetireAfter = TimeSpan.FromMinutes(10),
        };
        await using var bench = await RotationBench.StartAsync(terms, mishaps);
        var done = 0;
        for (var i = 0; done < 2; i++)
        {
            Assert.True(i < 400, "the rotation does not come to an end");
            var before = await bench.RecordAsync();
            await bench.NextAsync();
            await bench.CheckAsync();
            var after = await bench.RecordAsync();
            if (after.CurrentVersion != before.CurrentVersion)
            {
                done++;
                Assert.Equal("", after.History[0].Error);
            }

            var secret = await bench.Onlooker.SecretAsync();
            if (!after.IsUnderWay && after.StepFailures == 0)
            {
                // Nothing is under way: the two sides agree, and whatever went back says why.
                Assert.True(bench.Database.Accepts(secret.Current));
                Assert.Equal(after.CurrentVersion, secret.Current.Version == "zero" ? "" : secret.Current.Version);
                Assert.Equal(after.History.Count > 0 ? after.History[0].Error : "", after.LastError);
                Assert.Equal(after.Failures > 0, after.LastError.Length > 0);
            }
        }

        return bench.Trouble.Points;
    }
}
