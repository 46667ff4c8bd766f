using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Sqlite;
using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Storage;

public sealed class SqliteStoreTests : StoreContract
{
    private readonly TempFolder _folder = new();

    protected override ValueTask<IStore> OpenAsync() => new(SqliteStore.Open(_folder.Path));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }
}
