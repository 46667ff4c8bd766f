using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Engines.Kv;
using Mayfly.Core.Pipeline;
using Mayfly.Tests.Storage;

namespace Mayfly.Tests.Engines.Kv;

/// <summary>Random sequences of requests give what the model says, and store what it says, no more.</summary>
public sealed class KvModelTests : VersionedKvTestBase
{
    private static readonly string[] Paths = ["a", "a/1", "b"];

    public enum Step
    {
        Put,
        PutExpecting,
        Patch,
        DeleteLatest,
        Delete,
        Undelete,
        Destroy,
        Remove,
        LimitKey,
        LimitAll,
        EndKey,
        EndAll,
        Wait,
    }

    public sealed record Move(Step Step, int Path, int Number, bool Large);

    [Fact]
    public void The_engine_does_what_the_model_does()
    {
        var step = Gen.Frequency((8, Gen.Constant(Step.Put)), (20, Gen.Elements(Enum.GetValues<Step>())));
        var move =
            from kind in step
            from path in Gen.Choose(0, Paths.Length - 1)
            from number in Gen.Choose(0, 6)
            from large in Gen.Frequency((5, Gen.Constant(false)), (1, Gen.Constant(true)))
            select new Move(kind, path, number, large);

        Prop.ForAll(move.ListOf().ToArbitrary(), moves => RunAsync([.. moves]).GetAwaiter().GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(150).WithEndSize(60));
    }

    private static async Task RunAsync(IReadOnlyList<Move> moves)
    {
        await using var kv = await StartAsync();
        var model = new KvModel();
        for (var i = 0; i < moves.Count; i++)
        {
            await MakeAsync(kv, model, moves[i], i);
            await CompareAsync(kv, model);
        }
    }

    private static async Task MakeAsync(EngineHarness kv, KvModel model, Move move, int i)
    {
        var path = Paths[move.Path];
        var value = $$"""{"n":{{i}},"text":"{{(move.Large ? new string('x', KvTestSizes.Large) : "")}}"}""";
        var current = model.Current(path);
        var versions = $$"""{"versions":[{{move.Number}},{{move.Number + 2}}]}""";
        switch (move.Step)
        {
            case Step.Put:
                Assert.True((await kv.WriteAsync(path, $$"""{"data":{{value}}}""")).Succeeded);
                model.Put(path, value);
                break;
            case Step.PutExpecting:
                var written = await kv.WriteAsync(
                    path,
                    $$$"""{"data":{{{value}}},"options":{"cas":{{{move.Number}}}}}"""
                );
                Assert.Equal(move.Number == current, written.Succeeded);
                if (written.Succeeded)
                {
                    model.Put(path, value);
                }

                break;
            case Step.Patch:
                var before = model.Read(path, current);
                var patched = await kv.PatchAsync($"data/{path}", $$$"""{"data":{"p{{{i}}}":{{{i}}},"gone":null}}""");
                Assert.Equal(before is not null, patched.Succeeded);
                if (before is not null)
                {
                    model.Put(path, $$"""{{before[..^1]}},"p{{i}}":{{i}}}""");
                }

                break;
            case Step.DeleteLatest:
                (await kv.HandleAsync(Operation.Delete, $"data/{path}")).IsDone();
                model.Delete(path, current);
                break;
            case Step.Delete:
                await ChangeAsync("delete", model.Delete);
                break;
            case Step.Undelete:
                await ChangeAsync("undelete", model.Undelete);
                break;
            case Step.Destroy:
                await ChangeAsync("destroy", model.Destroy);
                break;
            case Step.Remove:
                (await kv.HandleAsync(Operation.Delete, $"metadata/{path}")).IsDone();
                model.Keys.Remove(path);
                break;
            case Step.LimitKey:
                await SetAsync($"metadata/{path}", "max_versions");
                Key().MaxVersions = move.Number;
                break;
            case Step.LimitAll:
                await SetAsync("config", "max_versions");
                model.MaxVersions = move.Number;
                break;
            case Step.EndKey:
                await SetAsync($"metadata/{path}", "delete_version_after");
                Key().DeleteAfter = move.Number;
                break;
            case Step.EndAll:
                (
                    await kv.HandleAsync(
                        Operation.Update,
                        "config",
                        $$"""{"delete_version_after":"{{move.Number - 1}}s"}"""
                    )
                ).IsDone();
                model.DeleteAfter = move.Number - 1;
                break;
            default:
                await WaitAsync(kv, model, move.Number);
                break;
        }

        async Task ChangeAsync(string family, Action<string, int> change)
        {
            (await kv.HandleAsync(Operation.Update, $"{family}/{path}", versions)).IsDone();
            change(path, move.Number);
            change(path, move.Number + 2);
        }

        async Task SetAsync(string where, string name) =>
            (await kv.HandleAsync(Operation.Update, where, $$"""{"{{name}}":{{move.Number}}}""")).IsDone();

        KvModel.Key Key()
        {
            if (!model.Keys.TryGetValue(path, out var key))
            {
                model.Keys[path] = key = new KvModel.Key();
            }

            return key;
        }
    }

    /// <summary>Lets time pass, and calls the engine for what comes due, as the scheduler does: perhaps late.</summary>
    private static async Task WaitAsync(EngineHarness kv, KvModel model, int seconds)
    {
        var cancellation = TestContext.Current.CancellationToken;
        kv.Time.Advance(TimeSpan.FromSeconds(seconds));
        model.Now += seconds;
        if (seconds % 2 == 0)
        {
            return;
        }

        var until = kv.Time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var (key, _) in await kv.Store.DueAsync(until, 100, cancellation))
        {
            await kv.Engine.OnDueAsync(kv.View.PathOf(key)!, cancellation);
        }

        Assert.Empty(await kv.Store.DueAsync(until, 100, cancellation));
    }

    private static async Task CompareAsync(EngineHarness kv, KvModel model)
    {
        var records = 0;
        foreach (var path in Paths)
        {
            model.Keys.TryGetValue(path, out var key);
            Assert.Equal(model.Read(path, model.Current(path)), await ReadAsync(kv, path, null));
            for (var number = 1; number <= model.Current(path) + 1; number++)
            {
                Assert.Equal(model.Read(path, number), await ReadAsync(kv, path, number));
            }

            var metadata = await kv.HandleAsync(Operation.Read, $"metadata/{path}");
            Assert.Equal(key is not null, metadata.Succeeded);
            if (key is not null)
            {
                Assert.Equal(
                    key.Versions.Select(version => (version.Key.ToString(), version.Value.Value is null)),
                    metadata
                        .Data()
                        .GetProperty("versions")
                        .EnumerateObject()
                        .Select(version => (version.Name, version.Value.GetProperty("destroyed").GetBoolean()))
                );
                records += 1 + key.Versions.Count(version => HasRecord(key, version.Key, version.Value));
            }
        }

        Assert.Equal(records, await kv.CountRecordsAsync());
    }

    /// <summary>Every value that is not destroyed has a record, except that of the current version while it is small.</summary>
    private static bool HasRecord(KvModel.Key key, int number, KvModel.Version version) =>
        version.Value is { } value && (number != key.Current || value.Length > KeyChange.LargestRidingValue);

    private static async Task<string?> ReadAsync(EngineHarness kv, string path, long? number)
    {
        var outcome = await kv.ReadAsync(path, number);
        if (outcome.Succeeded)
        {
            return outcome.Data().GetProperty("data").GetRawText();
        }

        Assert.Equal(FaultKind.NotFound, outcome.Fault!.Kind);
        if (outcome.Fault.Body is not null)
        {
            Assert.Equal(JsonValueKind.Null, outcome.FaultData().GetProperty("data").ValueKind);
        }

        return null;
    }
}
