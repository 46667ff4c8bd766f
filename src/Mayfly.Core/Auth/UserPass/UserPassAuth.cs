using Mayfly.Core.Engines;
using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Crypto;

namespace Mayfly.Core.Auth.UserPass;

/// <summary>People who log in with a name and a password that the server knows the hash of.</summary>
internal sealed class UserPassAuth : Engine, IRenewsTokens, ILocksLogins
{
    private const string Folder = "user/";
    private const int MaxNameBytes = 256;
    private const int FailingNamesKnown = 65_536;
    private const int FailingNamesUnknown = 8_192;

    private static readonly string[] OlderNames = ["bound_cidrs", "max_ttl", "policies", "ttl"];

    private static readonly FieldSpec Username = new("username", FieldType.String, "Name of the user.");
    private static readonly FieldSpec Password = new("password", FieldType.String, "Password of the user.");

    private readonly View _view;
    private readonly int _iterations;
    private readonly PasswordHash _dummy;

    // Counted apart, so that a flood of names that do not exist cannot push out the failures of those that do.
    private readonly Lockout _known;
    private readonly Lockout _unknown;

    private UserPassAuth(MountContext context, int iterations)
    {
        _view = context.View;
        _iterations = iterations;
        _dummy = PasswordHash.Dummy(iterations);
        _known = new Lockout(context.Time, FailingNamesKnown, context.Lockout);
        _unknown = new Lockout(context.Time, FailingNamesUnknown, context.Lockout);
        Paths = new PathTable(
            new PathEntry("login/{username}")
            {
                Help = "Log in with a user's name and password.",
                Access = Access.Anyone,
                Fields = [Username, Password],
                Write = LoginAsync,
            },
            new PathEntry("users") { Help = "List the names of the users.", List = ListAsync },
            new PathEntry("users/{username}")
            {
                IgnoresCase = true,
                Help = "Create, change, read or delete a user.",
                Fields =
                [
                    Username,
                    Password,
                    new("password_hash", FieldType.String, "Not supported: passwords are hashed by the server."),
                    .. TokenParameters.Fields,
                    .. TokenParameters.OlderFields(OlderNames),
                ],
                Read = ReadAsync,
                Write = WriteAsync,
                Delete = DeleteAsync,
                Exists = ExistsAsync,
            },
            new PathEntry("users/{username}/password")
            {
                IgnoresCase = true,
                Help = "Set a user's password.",
                Fields = [Username, Password],
                Write = WritePasswordAsync,
            },
            new PathEntry("users/{username}/policies")
            {
                IgnoresCase = true,
                Help = "Set a user's policies.",
                Fields =
                [
                    Username,
                    TokenParameters.Field("token_policies"),
                    .. TokenParameters.OlderFields("policies"),
                ],
                Write = WritePoliciesAsync,
            }
        );
    }

    public static EngineType Type { get; } = TypeWith(PasswordHash.RecommendedIterations);

    public override PathTable Paths { get; }

    public IReadOnlyList<string> LockedNames => [.. _known.Locked, .. _unknown.Locked];

    public void Unlock(string name)
    {
        var normal = RoleName.Normalize(name, MaxNameBytes) ?? "";
        _known.Clear(normal);
        _unknown.Clear(normal);
    }

    /// <summary>The method with another cost of hashing.</summary>
    internal static EngineType TypeWith(int iterations) =>
        new("userpass", EngineKind.Auth, "Users with passwords.", context => new UserPassAuth(context, iterations));

    public async ValueTask<(TokenParameters? Parameters, Fault? Fault)> RenewAsync(
        TokenEntry token,
        CancellationToken cancellation
    )
    {
        var name = token.MethodData.GetValueOrDefault("username", "");
        using var entry = name.Length == 0 ? null : await _view.GetAsync(Folder + name, cancellation);
        if (entry is null)
        {
            return (null, Fault.Invalid("the user no longer exists; the token is not renewed"));
        }

        var user = User.Read(entry.Value.Memory);
        return PoliciesOf(user) == token.MethodData.GetValueOrDefault("policies", "")
            ? (user.Tokens, null)
            : (null, Fault.Invalid("policies have changed, not renewing"));
    }

    private async ValueTask<Outcome> LoginAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        using var password = request.Fields.SecretOrNull("password");
        if (Unusable(password) is { } unusable)
        {
            return unusable;
        }

        // A name that cannot be is a name that nobody has: it takes as long, and is told the same.
        var name = NameOf(request);
        using var entry = name is null ? null : await _view.GetAsync(Folder + name, cancellation);
        var user = entry is null ? null : User.Read(entry.Value.Memory);
        var attempt = new Attempt(user is null ? _unknown : _known, name ?? "", user, _dummy);
        var verdict = attempt.IsLocked
            ? Verdict.Locked
            : await PasswordGate.RunAsync(() => attempt.Check(password!, _iterations), cancellation);
        if (verdict is null)
        {
            return Busy();
        }

        if (verdict.Kind == VerdictKind.Locked)
        {
            return Fault.Denied();
        }

        if (verdict.Kind == VerdictKind.Wrong || user is null)
        {
            return Fault.Invalid("invalid username or password");
        }

        if (!Cidr.Allows(user.Tokens.BoundCidrs, request.RemoteAddress))
        {
            return Fault.Denied();
        }

        if (verdict.Stronger is { } stronger)
        {
            // When another request changed the user meanwhile, the next login does it.
            _ = await SaveAsync(name!, user with { Password = stronger }, entry!.Version, cancellation);
        }

        return new Response
        {
            Grant = new TokenGrant
            {
                DisplayName = name!,
                Parameters = user.Tokens,
                AliasName = name!,
                Metadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["username"] = name! },
                MethodData = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["username"] = name!,
                    ["policies"] = PoliciesOf(user),
                },
            },
        };
    }

    private async ValueTask<Outcome> ListAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        Response.Keys(await _view.ListAsync(Folder, cancellation));

    private async ValueTask<Outcome> ReadAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        using var entry = NameOf(request) is { } name ? await _view.GetAsync(Folder + name, cancellation) : null;
        return entry is null ? Fault.NotFound() : Response.Object(User.Read(entry.Value.Memory).Tokens.WriteTo);
    }

    private async ValueTask<Outcome> WriteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (request.Fields.Has("password_hash"))
        {
            return Fault.Invalid(
                "password_hash is not supported: a bcrypt hash cannot be checked here. Set a password instead"
            );
        }

        return await ChangeAsync(request, creates: true, OlderNames, cancellation);
    }

    private async ValueTask<Outcome> DeleteAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        NameOf(request) is { } name ? Outcome.From(await _view.DeleteAsync(Folder + name, cancellation)) : Outcome.Done;

    private async ValueTask<Outcome> WritePasswordAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        request.Fields.Has("password")
            ? await ChangeAsync(request, creates: false, [], cancellation)
            : Fault.Invalid("missing password");

    private ValueTask<Outcome> WritePoliciesAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        ChangeAsync(request, creates: false, ["policies"], cancellation);

    /// <summary>Applies what was sent, the password among it, to a user.</summary>
    private async ValueTask<Outcome> ChangeAsync(
        AuthorizedRequest request,
        bool creates,
        string[] olderNames,
        CancellationToken cancellation
    )
    {
        if (NameOf(request) is not { } name)
        {
            return Fault.Invalid($"the user's name must be 1 to {MaxNameBytes} bytes without control characters");
        }

        using var entry = await _view.GetAsync(Folder + name, cancellation);
        if (entry is null && !creates)
        {
            return Fault.Invalid("username does not exist");
        }

        var user = entry is null ? null : User.Read(entry.Value.Memory);
        var (tokens, fault) = (user?.Tokens ?? new TokenParameters()).Apply(request.Fields, olderNames);
        if (fault is not null)
        {
            return fault;
        }

        var hash = user?.Password;
        if (hash is null || request.Fields.Has("password"))
        {
            using var password = request.Fields.SecretOrNull("password");
            if (Unusable(password) is { } unusable)
            {
                return unusable;
            }

            hash = await PasswordGate.RunAsync(() => PasswordHash.Create(password!.Span, _iterations), cancellation);
            if (hash is null)
            {
                return Busy();
            }
        }

        var result = await SaveAsync(name, new User(hash, tokens!), entry?.Version ?? 0, cancellation);
        if (result.Succeeded)
        {
            _known.Clear(name);
        }

        return Outcome.From(result);
    }

    private async ValueTask<CommitResult> SaveAsync(
        string name,
        User user,
        long expectedVersion,
        CancellationToken cancellation
    )
    {
        using var plaintext = user.Write();
        return await _view.PutAsync(Folder + name, plaintext.Span, cancellation, expectedVersion);
    }

    private async ValueTask<bool> ExistsAsync(PathMatch match, CancellationToken cancellation)
    {
        var name = RoleName.Normalize(match.Captures["username"], MaxNameBytes);
        return name is not null && await _view.ExistsAsync(Folder + name, cancellation);
    }

    private static string? NameOf(AuthorizedRequest request) =>
        RoleName.Normalize(request.Fields.StringOrNull("username"), MaxNameBytes);

    /// <summary>What a token was made from, to be compared at renewal; "default" comes and goes by other rules.</summary>
    private static string PoliciesOf(User user) =>
        string.Join('\n', user.Tokens.Policies.Where(policy => policy != "default"));

    private static Fault? Unusable(SecretBytes? password) =>
        password is null or { Length: 0 } ? Fault.Invalid("missing password")
        : password.Length > PasswordHash.MaxPasswordBytes
            ? Fault.Invalid($"the password is longer than {PasswordHash.MaxPasswordBytes} bytes")
        : null;

    private static Fault Busy() =>
        Fault.Throttled("too many passwords are being checked; try again", TimeSpan.FromSeconds(5));
}
