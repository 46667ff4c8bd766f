using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Kv;

/// <summary>What one read allocates inside the engine: from the handler to the finished response, and its disposal.</summary>
public sealed class KvAllocationTests(ITestOutputHelper output) : VersionedKvTestBase
{
    private const int Reads = 2_000;

    [Fact]
    public async Task A_read_of_the_current_version_allocates_little()
    {
        await using var kv = await StartAsync();
        await kv.WriteAsync("team/app/db", $$$"""{"data":{"value":"{{{new string('x', 1_024)}}}"}}""");
        using var request = new Request
        {
            Id = "1",
            Operation = Operation.Read,
            Path = "kv/data/team/app/db",
        };
        var match = kv.Engine.Paths.Match("data/team/app/db")!;
        var (fields, _) = FieldValues.Bind(match, request, UnknownFields.Refuse, []);
        using var _ = fields;
        var authorized = AuthorizedRequest.Check(request, match, fields!, "data/team/app/db", kv.Caller, out var _)!;
        Measure();

        var bytes = Measure();

        output.WriteLine($"{bytes} managed bytes per read of the current version");
        Assert.InRange(bytes, 1, 768);

        long Measure()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Reads; i++)
            {
                var read = match.Entry.Read!(authorized, CancellationToken.None);
                Assert.True(read.IsCompletedSuccessfully);
                read.Result.Response!.Dispose();
            }

            return (GC.GetAllocatedBytesForCurrentThread() - before) / Reads;
        }
    }
}
