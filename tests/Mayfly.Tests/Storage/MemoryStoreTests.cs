using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Storage;

public sealed class MemoryStoreTests : StoreContract
{
    protected override ValueTask<IStore> OpenAsync() => new(new MemoryStore());
}
