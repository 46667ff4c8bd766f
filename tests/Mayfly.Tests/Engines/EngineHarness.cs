using System.Text;
using Mayfly.Core.Engines;
using Mayfly.Core.Identity;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Crypto;
using Microsoft.Extensions.Logging.Abstractions;
using Barrier = Mayfly.Core.Storage.Barrier;

namespace Mayfly.Tests.Engines;

/// <summary>One engine over a real barrier and a store in memory, called as the pipeline calls it.</summary>
public sealed class EngineHarness : IAsyncDisposable
{
    private readonly Keyring _keyring = Keyring.Generate();

    private EngineHarness(EngineType type, IReadOnlyDictionary<string, string>? options)
    {
        Barrier = new Barrier(Store, _keyring);
        Mount = new Mount
        {
            Uuid = "11111111-2222-3333-4444-555555555555",
            Kind = type.Kind,
            Path = type.Kind == EngineKind.Auth ? $"auth/{type.Name}/" : $"{type.Name}/",
            Type = type.Name,
            Accessor = $"{type.Name}_0a1b2c3d",
            Options = options ?? new Dictionary<string, string>(StringComparer.Ordinal),
        };
        View = new View(Barrier, StoreKey.Root.Append("mount").Append(Mount.Uuid));
        Engine = type.Create(new MountContext(Mount, View, Time, NullLogger.Instance));
    }

    public MemoryStore Store { get; } = new();

    public Barrier Barrier { get; }

    public View View { get; }

    public ManualTime Time { get; } = new();

    public Mount Mount { get; }

    public Engine Engine { get; }

    public Caller Caller { get; set; } =
        new(
            new TokenEntry
            {
                Accessor = "accessor",
                Type = TokenType.Service,
                Policies = ["root"],
                Path = "auth/token/root",
                CreatedAt = DateTimeOffset.UnixEpoch,
            },
            Acl.Root
        );

    public static async Task<EngineHarness> StartAsync(
        EngineType type,
        IReadOnlyDictionary<string, string>? options = null
    )
    {
        var harness = new EngineHarness(type, options);
        await harness.Engine.StartAsync(TestContext.Current.CancellationToken);
        return harness;
    }

    /// <summary>Calls the path below the mount; the outcome is the test's to look at.</summary>
    public async Task<Outcome> HandleAsync(
        Operation operation,
        string path,
        string? body = null,
        IReadOnlyDictionary<string, string>? query = null,
        string? contentType = null,
        System.Net.IPAddress? remote = null
    )
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var request = new Request
        {
            Id = Guid.NewGuid().ToString(),
            Operation = operation,
            Path = Mount.Path + path,
            Body = body is null ? SecretBytes.Empty : SecretBytes.CopyOf(Encoding.UTF8.GetBytes(body)),
            Query = query ?? new Dictionary<string, string>(StringComparer.Ordinal),
            ContentType = contentType,
            RemoteAddress = remote ?? System.Net.IPAddress.Loopback,
        };
        if (Engine.Paths.Match(path) is not { } match || match.Entry.For(operation) is not { } handler)
        {
            return Fault.Unsupported();
        }

        var (fields, fault) = FieldValues.Bind(match, request, UnknownFields.Refuse, []);
        if (fault is not null)
        {
            return fault;
        }

        using (fields)
        {
            if (operation == Operation.Update && match.Entry.Exists is { } exists && !await exists(match, cancellation))
            {
                request.Operation = Operation.Create;
            }

            var authorized = AuthorizedRequest.Check(request, match, fields!, path, Caller, out _);
            return await handler(authorized!, cancellation);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        await Store.DisposeAsync();
        _keyring.Dispose();
    }
}
