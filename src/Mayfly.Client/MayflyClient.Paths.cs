using Mayfly.Client.Databases;
using Mayfly.Client.Known;
using Mayfly.Client.Kv;
using Mayfly.Client.Leases;
using Mayfly.Client.Sys;
using Mayfly.Client.Tokens;
using Mayfly.Client.Wrapping;

namespace Mayfly.Client;

/// <content>Calls with types.</content>
public sealed partial class MayflyClient
{
    /// <summary><c>sys/leases</c>.</summary>
    public LeasePaths Leases => new(this);

    /// <summary><c>auth/token</c>.</summary>
    public TokenPaths Tokens => new(this);

    /// <summary><c>sys/wrapping</c>.</summary>
    public WrappingPaths Wrapping => new(this);

    /// <summary><c>sys/known</c>.</summary>
    public KnownPaths Known => new(this);

    /// <summary>What the server tells of itself.</summary>
    public SysPaths Sys => new(this);

    /// <summary>A key-value engine of version 2.</summary>
    /// <param name="mount">Where it is mounted.</param>
    public KvV2Mount Kv(string mount = "secret") => new(this, mount);

    /// <summary>A key-value engine of version 1.</summary>
    /// <param name="mount">Where it is mounted.</param>
    public KvV1Mount KvV1(string mount) => new(this, mount);

    /// <summary>A database engine.</summary>
    /// <param name="mount">Where it is mounted.</param>
    public DatabaseMount Database(string mount = "database") => new(this, mount);
}
