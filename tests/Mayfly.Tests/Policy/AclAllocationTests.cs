using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;

namespace Mayfly.Tests.Policy;

public sealed class AclAllocationTests
{
    [Theory]
    [InlineData(Operation.Read, "app-7/data/team/config")]
    [InlineData(Operation.Read, "secret/data/exact")]
    [InlineData(Operation.Read, "nowhere/at/all")]
    [InlineData(Operation.List, "app-3/metadata/team/")]
    [InlineData(Operation.Update, "shared/x/config")]
    public void Deciding_does_not_allocate(Operation operation, string path)
    {
        var text = string.Concat(
            Enumerable
                .Range(0, 16)
                .Select(i => $"path \"app-{i}/data/*\" {{ capabilities = [\"read\", \"update\"] }}\n")
        );
        text += """
            path "secret/data/exact" { capabilities = ["read"] }
            path "shared/+/config" { capabilities = ["update"] }
            path "+/metadata/*" { capabilities = ["list"] }
            path "secret/*" { policy = "deny" }
            """;
        var acl = Acl.Compile([PolicyDocument.Parse("p", text).Policy!]);
        acl.Decide(operation, path, null, null);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            acl.Decide(operation, path, null, null);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
