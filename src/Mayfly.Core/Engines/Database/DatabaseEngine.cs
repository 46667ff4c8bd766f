using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database;

/// <summary>Makes users in databases that end with their lease, at the paths of Vault's engine of this name.</summary>
internal sealed class DatabaseEngine : Engine, IIssuesLeases, IRotatesSecrets, IHoldsSecrets
{
    private readonly OpenConnections _connections;
    private readonly RootRotation _root;
    private readonly CredentialPaths _credentials;
    private readonly StaticRoles _staticRoles;
    private readonly StaticRotation _rotation;

    private DatabaseEngine(MountContext context)
    {
        _connections = new OpenConnections(context.View, context.Mount.Uuid, context.Memory, context.Time);
        var roles = new RolePaths(context.View, _connections);
        _root = new RootRotation(context.View, _connections, context.Passwords);
        _connections.Settle = _root.SettleAsync;
        _credentials = new CredentialPaths(roles, _connections, context.Passwords, context.Time);
        _staticRoles = new StaticRoles(context.View);
        _rotation = new StaticRotation(_staticRoles, _connections, context.Passwords);
        IEnumerable<PathEntry> entries =
        [
            .. new ConnectionPaths(context.View, _connections, context.Rotations).Entries,
            .. _root.Entries,
            .. roles.Entries,
            .. _credentials.Entries,
            .. new StaticRolePaths(context.View, _staticRoles, _connections, context.Rotations, context.Time).Entries,
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

    public ValueTask<Fault?> CreateAsync(SecretRotation rotation, CancellationToken cancellation) =>
        RootTerms.NameOf(rotation) is { } name
            ? _root.CreateAsync(name, cancellation)
            : _rotation.CreateAsync(rotation, cancellation);

    public ValueTask<Fault?> SetAsync(SecretRotation rotation, CancellationToken cancellation) =>
        RootTerms.NameOf(rotation) is { } name
            ? _root.SetAsync(name, cancellation)
            : _rotation.SetAsync(rotation, cancellation);

    public ValueTask<Fault?> TestAsync(SecretRotation rotation, CancellationToken cancellation) =>
        RootTerms.NameOf(rotation) is { } name
            ? _root.TestAsync(name, cancellation)
            : _rotation.TestAsync(rotation, cancellation);

    public ValueTask<Outcome> ReadNextAsync(SecretRotation rotation, CancellationToken cancellation) =>
        RootTerms.NameOf(rotation) is null ? _rotation.ReadNextAsync(rotation, cancellation) : new(Fault.NotFound());

    public ValueTask<Fault?> PromoteAsync(SecretRotation rotation, CancellationToken cancellation) =>
        RootTerms.NameOf(rotation) is null ? _rotation.PromoteAsync(rotation, cancellation) : default;

    public ValueTask<Fault?> RetireAsync(SecretRotation rotation, CancellationToken cancellation) =>
        RootTerms.NameOf(rotation) is null ? _rotation.RetireAsync(rotation, cancellation) : default;

    public ValueTask<Fault?> RevertAsync(SecretRotation rotation, CancellationToken cancellation) =>
        RootTerms.NameOf(rotation) is { } name
            ? _root.SettleAsync(name, cancellation)
            : _rotation.RevertAsync(rotation, cancellation);

    public ValueTask VisitAsync(SecretVisitor visitor, CancellationToken cancellation) =>
        _staticRoles.VisitAsync(visitor, cancellation);

    public override async ValueTask DisposeAsync()
    {
        await _connections.DisposeAsync();
        _root.Dispose();
        await base.DisposeAsync();
    }
}
