using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Pipeline;

public sealed class AllocationTests(ITestOutputHelper output)
{
    /// <summary>Managed bytes that a KV read may allocate between the decoded request and the response.</summary>
    private const long Limit = 4_000;

    [Fact]
    public async Task A_kv_read_allocates_no_more_than_its_budget()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/mounts/kv", """{"type":"kv-v2"}""");
        var value = new string('x', 1024);
        await vault.DataAsync(Operation.Update, "kv/data/team/app", $$$"""{"data":{"password":"{{{value}}}"}}""");
        var token = await vault.TokenWithPolicyAsync("reader", """path "kv/data/*" { capabilities = ["read"] }""");
        const int Rounds = 2_000;
        var perRead = 0L;
        for (var pass = 0; pass < 3; pass++)
        {
            var requests = Enumerable
                .Range(0, Rounds)
                .Select(i => new Request
                {
                    Id = "id",
                    Operation = Operation.Read,
                    Path = "kv/data/team/app",
                    Token = token,
                })
                .ToList();
            var before = GC.GetAllocatedBytesForCurrentThread();
            foreach (var request in requests)
            {
                var outcome = vault.Vault.HandleAsync(request, TestContext.Current.CancellationToken);
                Assert.True(outcome.IsCompletedSuccessfully);
                (await outcome).Response!.Dispose();
            }

            perRead = (GC.GetAllocatedBytesForCurrentThread() - before) / Rounds;
        }

        output.WriteLine($"{perRead} bytes allocated per KV read in the pipeline");
        Assert.True(perRead <= Limit, $"{perRead} bytes allocated per KV read; the budget is {Limit}");
    }
}
