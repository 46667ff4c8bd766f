using System.Net;
using Mayfly.Core.Auth;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Identity;

/// <summary>
/// Mints tokens from what an auth method, a token role or the server itself grants. The one place where the rules of
/// TTLs, policies and types come together. Safe for concurrent use.
/// </summary>
internal sealed class TokenIssuer(TokenStore tokens, VaultOptions server, TimeProvider time)
{
    /// <summary>The path of root tokens that nobody's token made: no revocation of a prefix reaches them.</summary>
    public const string RootPath = "auth/token/root";

    public TokenStore Tokens => tokens;

    public VaultOptions Server => server;

    public TimeProvider Time => time;

    /// <summary>The token for a login at <paramref name="mount"/>.</summary>
    public async ValueTask<(IssuedToken? Issued, Fault? Fault)> LoginAsync(
        TokenGrant grant,
        Mount mount,
        string path,
        IPAddress remote,
        List<string> warnings,
        CancellationToken cancellation
    )
    {
        var parameters = grant.Parameters;
        var policies = PoliciesOf(parameters);
        if (policies.Contains("root", StringComparer.Ordinal))
        {
            return (null, Fault.Invalid("auth methods cannot create root tokens"));
        }

        var type = TypeOf(parameters.Type, mount.Tuning.TokenType);
        if (type == TokenType.Batch && (parameters.NumUses > 0 || parameters.Period > TimeSpan.Zero))
        {
            return (null, Fault.Invalid("batch tokens can have neither a limited number of uses nor a period"));
        }

        var (ttl, remarks) = TokenLifetime.AtCreation(parameters, mount.Tuning, server);
        warnings.AddRange(remarks);
        var now = time.GetUtcNow();
        var name = mount.Path["auth/".Length..].TrimEnd('/').Replace('/', '-');
        return await tokens.CreateAsync(
            new TokenEntry
            {
                Accessor = "",
                Type = type,
                Policies = policies,
                Path = path,
                MountAccessor = mount.Accessor,
                Metadata = grant.Metadata,
                DisplayName = grant.DisplayName.Length == 0 ? name : $"{name}-{grant.DisplayName}",
                CreatedAt = now,
                CreationTtl = ttl,
                ExpiresAt = now + ttl,
                ExplicitMaxTtl = parameters.ExplicitMaxTtl,
                Period = type == TokenType.Batch ? TimeSpan.Zero : parameters.Period,
                Renewable = grant.Renewable && type == TokenType.Service,
                UsesLeft = parameters.NumUses,
                BoundCidrs = parameters.StrictlyBindIp ? [WithoutScope(remote)] : parameters.BoundCidrs,
                MethodData = grant.MethodData,
            },
            token: null,
            wrapped: default,
            cancellation
        );
    }

    /// <summary>A token that may do everything and does not expire.</summary>
    /// <param name="text">Its text, or null for a random one.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public ValueTask<(IssuedToken? Issued, Fault? Fault)> RootAsync(string? text, CancellationToken cancellation) =>
        tokens.CreateAsync(
            new TokenEntry
            {
                Accessor = "",
                Type = TokenType.Service,
                Policies = ["root"],
                Path = RootPath,
                DisplayName = "root",
                CreatedAt = time.GetUtcNow(),
            },
            text,
            wrapped: default,
            cancellation
        );

    /// <summary>A token for one unwrapping of <paramref name="wrapped"/>.</summary>
    public ValueTask<(IssuedToken? Issued, Fault? Fault)> WrappingAsync(
        ReadOnlyMemory<byte> wrapped,
        TimeSpan ttl,
        string creationPath,
        CancellationToken cancellation
    )
    {
        var now = time.GetUtcNow();
        return tokens.CreateAsync(
            new TokenEntry
            {
                Accessor = "",
                Type = TokenType.Wrapping,
                Policies = ["response-wrapping"],
                Path = creationPath,
                CreatedAt = now,
                CreationTtl = ttl,
                ExpiresAt = now + ttl,
                ExplicitMaxTtl = ttl,
                UsesLeft = 1,
            },
            token: null,
            wrapped,
            cancellation
        );
    }

    /// <summary>The policies of a role as a token carries them: normalized, with <c>default</c>.</summary>
    public static IReadOnlyList<string> PoliciesOf(TokenParameters parameters) =>
        TokenParameters.NormalizePolicies(
            parameters.NoDefaultPolicy ? parameters.Policies : [.. parameters.Policies, "default"]
        );

    /// <summary>The address without an IPv6 zone, which names an interface of this machine and no network.</summary>
    public static string WithoutScope(IPAddress address) => new IPAddress(address.GetAddressBytes()).ToString();

    private static TokenType TypeOf(string role, string mount)
    {
        var wanted = (role, mount) switch
        {
            (_, "batch") => "batch",
            (_, "service") => "service",
            ("default" or "", "default-batch") => "batch",
            _ => role,
        };
        return wanted is "batch" or "default-batch" ? TokenType.Batch : TokenType.Service;
    }
}
