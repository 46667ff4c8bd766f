using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database;

/// <summary>Makes users in databases that end with their lease, at the paths of Vault's engine of this name.</summary>
internal sealed class DatabaseEngine : Engine, IIssuesLeases
{
    private readonly OpenConnections _connections;
    private readonly RootRotation _root;
    private readonly CredentialPaths _credentials;

    private DatabaseEngine(MountContext context)
    {
        _connections = new OpenConnections(context.View, context.Mount.Uuid, context.Time);
        var roles = new RolePaths(context.View, _connections);
        _root = new RootRotation(context.View, _connections, context.Passwords);
        _connections.Settle = _root.SettleAsync;
        _credentials = new CredentialPaths(roles, _connections, context.Passwords, context.Time);
        IEnumerable<PathEntry> entries =
        [
            .. new ConnectionPaths(context.View, _connections).Entries,
            .. _root.Entries,
            .. roles.Entries,
            .. _credentials.Entries,
        ];
        Paths = new PathTable(entries.Select(new DatabaseEvents(context.Events).Telling));
    }

    public static EngineType Type { get; } =
        new(
            "database",
            EngineKind.Secrets,
            "Users in databases that end with their lease.",
            context => new DatabaseEngine(context)
        );

    public override PathTable Paths { get; }

    public ValueTask<Fault?> RenewAsync(LeasedSecret lease, CancellationToken cancellation) =>
        _credentials.RenewAsync(lease, cancellation);

    public ValueTask<Fault?> RevokeAsync(LeasedSecret lease, CancellationToken cancellation) =>
        _credentials.RevokeAsync(lease, cancellation);

    public override async ValueTask DisposeAsync()
    {
        await _connections.DisposeAsync();
        _root.Dispose();
        await base.DisposeAsync();
    }
}
