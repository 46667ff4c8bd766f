using System.Text.Json;
using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Tests.Rotation;

/// <summary>The users of a pretended database, with their passwords.</summary>
internal sealed class ModelDatabase
{
    public Dictionary<string, string> Users { get; } = new(StringComparer.Ordinal) { ["a"] = "first", ["b"] = "unset" };

    /// <summary>It cannot be reached.</summary>
    public bool IsAway { get; set; }

    public bool Accepts(ModelCredential credential) => Users.GetValueOrDefault(credential.User) == credential.Password;
}

internal sealed record ModelCredential(string User, string Password, string Version);

/// <summary>What the rotator has stored.</summary>
internal sealed record ModelSecret(ModelCredential Current, ModelCredential? Next, ModelCredential? Previous);

/// <summary>
/// A rotator as an engine would be one, over a pretended database: with two users in turn or with one. What it is told to do
/// meets <see cref="Trouble"/>.
/// </summary>
internal sealed class ModelRotator(ModelDatabase database, View view, Trouble trouble, bool twoUsers) : IRotatesSecrets
{
    private const string Path = "secret";

    public static ModelSecret Initial { get; } = new(new ModelCredential("a", "first", "zero"), null, null);

    /// <summary>What a reader gets.</summary>
    public async Task<ModelSecret> SecretAsync()
    {
        using var entry = await view.GetAsync(Path, TestContext.Current.CancellationToken);
        return entry is null ? Initial : JsonSerializer.Deserialize<ModelSecret>(entry.Value.Span)!;
    }

    public async ValueTask<Fault?> CreateAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        var secret = await SecretAsync();
        if (secret.Next?.Version == rotation.Version)
        {
            return null;
        }

        var user = twoUsers && secret.Current.User == "a" ? "b" : "a";
        var next = new ModelCredential(user, $"password of {rotation.Version}", rotation.Version);
        return await SaveAsync(secret with { Next = next });
    }

    public async ValueTask<Fault?> SetAsync(SecretRotation rotation, CancellationToken cancellation) =>
        await ChangeAsync((await NextAsync(rotation))!);

    public async ValueTask<Fault?> TestAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        var next = await NextAsync(rotation);
        return await trouble.PassAsync(
            () => Task.FromResult(database.Accepts(next!) ? null : Fault.Unavailable("the database refuses it")),
            () => Fault.Unavailable("the database is away")
        );
    }

    public async ValueTask<Outcome> ReadNextAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        var next = await NextAsync(rotation);
        return next is null ? Fault.NotFound() : Reply(next);
    }

    public async ValueTask<Fault?> PromoteAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        var secret = await SecretAsync();
        return secret.Current.Version == rotation.Version
            ? null
            : await SaveAsync(new ModelSecret(secret.Next!, null, secret.Current));
    }

    public async ValueTask<Fault?> RetireAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        var secret = await SecretAsync();
        return secret.Previous is { } old && old.User != secret.Current.User
            ? await ChangeAsync(old with { Password = "ended" })
            : null;
    }

    public async ValueTask<Fault?> RevertAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        var secret = await SecretAsync();
        Assert.NotEqual(rotation.Version, secret.Current.Version);
        if (!twoUsers && await ChangeAsync(secret.Current) is { } fault)
        {
            return fault;
        }

        return secret.Next is null ? null : await SaveAsync(secret with { Next = null });
    }

    public static Response Reply(ModelCredential credential) =>
        Response.Object(writer =>
        {
            writer.WriteString("user", credential.User);
            writer.WriteString("password", credential.Password);
        });

    private async Task<ModelCredential?> NextAsync(SecretRotation rotation)
    {
        var secret = await SecretAsync();
        return secret.Next?.Version == rotation.Version ? secret.Next : null;
    }

    private async Task<Fault?> ChangeAsync(ModelCredential credential) =>
        await trouble.PassAsync(
            () =>
            {
                if (database.IsAway)
                {
                    return Task.FromResult<Fault?>(Fault.Unavailable("the database is away"));
                }

                database.Users[credential.User] = credential.Password;
                return Task.FromResult<Fault?>(null);
            },
            () => Fault.Unavailable("the database is away")
        );

    private async Task<Fault?> SaveAsync(ModelSecret secret)
    {
        var result = await view.PutAsync(
            Path,
            JsonSerializer.SerializeToUtf8Bytes(secret),
            TestContext.Current.CancellationToken
        );
        return result.Succeeded ? null : Fault.From(result);
    }
}
