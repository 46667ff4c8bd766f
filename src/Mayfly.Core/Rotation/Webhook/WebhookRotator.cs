using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Mayfly.Core.Engines;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Rotation.Webhook;

/// <summary>
/// Rotates a secret of a key-value engine through a function that AWS's rotation would call, too: <c>createSecret</c>,
/// <c>setSecret</c>, <c>testSecret</c>, <c>finishSecret</c>. The function reads and writes the staged versions by calling back with
/// a token that is good for the one call; the secret itself is written here alone, at the promotion.
/// </summary>
/// <remarks>
/// AWS has no step that goes back. Here one more version is staged which holds the current value, with the failed one labelled
/// as the previous: setting and testing it puts the old value back, since functions try pending, current and previous to log in.
/// </remarks>
internal sealed class WebhookRotator(
    HookRecords hooks,
    RotationRecords records,
    MountRegistry mounts,
    AsServer asServer,
    HookCall call,
    TimeProvider time,
    ILogger log
) : IRotatesSecrets
{
    /// <summary>Names of custom metadata that show when the secret was and will be rotated.</summary>
    private const string LastRemark = "last_rotation";
    private const string NextRemark = "next_rotation";

    /// <inheritdoc cref="HookCall.NoWayBack"/>
    public Fault? NoWayBack() => call.NoWayBack();

    public async ValueTask<Fault?> CreateAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        var name = rotation.Target;
        if (await hooks.SettingsAsync(name, cancellation) is not { } settings)
        {
            return Fault.NotFound();
        }

        if (KvSecret.Find(mounts, asServer, settings.Target) is not { } secret)
        {
            return Gone(settings);
        }

        var (value, version, fault) = await secret.ReadAsync(cancellation);
        if (value is null)
        {
            return fault;
        }

        (var staged, fault) = await hooks.ChangeAsync(
            name,
            old => Stage(old, rotation.Version, value, version),
            cancellation
        );
        if (staged is null)
        {
            return fault;
        }

        return await CallAsync(name, settings, "createSecret", rotation.Version, cancellation) is { } failure ? failure
            : (await hooks.StagedAsync(name, cancellation)).Staged.Of(rotation.Version)?.Value is null
                ? Fault.Invalid(
                    "createSecret succeeded, but put no value into the version labelled AWSPENDING (PutSecretValue)"
                )
            : null;
    }

    public async ValueTask<Fault?> SetAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        var (staged, fault) = await hooks.ChangeAsync(
            rotation.Target,
            staged => staged.Touched ? staged : staged with { Touched = true },
            cancellation
        );
        return staged is null ? fault : await StepAsync("setSecret", rotation, cancellation);
    }

    public ValueTask<Fault?> TestAsync(SecretRotation rotation, CancellationToken cancellation) =>
        StepAsync("testSecret", rotation, cancellation);

    public async ValueTask<Outcome> ReadNextAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        var (staged, _) = await hooks.StagedAsync(rotation.Target, cancellation);
        if (
            staged.Of(rotation.Version)?.Value is not { } value
            || await SecretAsync(rotation.Target, cancellation) is not { } secret
        )
        {
            return Fault.NotFound();
        }

        var reply = secret.Reply(value, staged.BaseVersion, time.GetUtcNow());
        reply.OfferedVersion = secret.Versioned
            ? (staged.BaseVersion + 1).ToString(CultureInfo.InvariantCulture)
            : rotation.Version;
        return reply;
    }

    public async ValueTask<Fault?> PromoteAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        var name = rotation.Target;
        var (staged, _) = await hooks.StagedAsync(name, cancellation);
        if (
            staged.Of(rotation.Version)?.Value is not { } value
            || await SecretAsync(name, cancellation) is not { } secret
        )
        {
            return Fault.Invalid("the secret, or its new version, is not there any more");
        }

        // A crash may have come between the write and its being stored that it was done.
        if (!await IsWrittenAsync(secret, value, staged.BaseVersion, cancellation))
        {
            if (await StepAsync("finishSecret", rotation, cancellation) is { } unfinished)
            {
                return unfinished;
            }

            if (
                await secret.WriteAsync(value, staged.BaseVersion, cancellation) is { } unwritten
                && !await IsWrittenAsync(secret, value, staged.BaseVersion, cancellation)
            )
            {
                return unwritten;
            }
        }

        var (_, fault) = await hooks.ChangeAsync(
            name,
            old =>
                old.Without(StagedSecret.Pending).Move(StagedSecret.Current, rotation.Version).Pruned() with
                {
                    Touched = false,
                },
            cancellation
        );
        await RemarkAsync(name, secret, cancellation);
        // It is written: a label that lags behind is put right by the next rotation.
        if (fault is not null)
        {
            log.LogWarning("the labels of {Name} could not be stored after its promotion", name);
        }

        return null;
    }

    public ValueTask<Fault?> RetireAsync(SecretRotation rotation, CancellationToken cancellation) => default;

    public async ValueTask<Fault?> RevertAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        var name = rotation.Target;
        if (await hooks.SettingsAsync(name, cancellation) is not { } settings)
        {
            return Fault.NotFound();
        }

        var (staged, _) = await hooks.StagedAsync(name, cancellation);
        if (staged.Touched && staged.Of(rotation.Version)?.Value is not null)
        {
            if (KvSecret.Find(mounts, asServer, settings.Target) is not { } secret)
            {
                return Gone(settings);
            }

            if (await SetBackAsync(name, settings, secret, rotation.Version, cancellation) is { } fault)
            {
                return fault;
            }
        }

        var (_, unsaved) = await hooks.ChangeAsync(
            name,
            old =>
                old.Without(StagedSecret.Pending).Without(StagedSecret.Previous).Pruned() with
                {
                    Touched = false,
                    RevertVersion = "",
                },
            cancellation
        );
        return unsaved;
    }

    /// <summary>Shows beside the secret when it will be rotated; after a promotion also when it was.</summary>
    public async ValueTask RemarkAsync(string name, KvSecret secret, CancellationToken cancellation)
    {
        var (record, _) = await records.GetAsync(RotationId.Of(name), cancellation);
        var isPromotion = record is { Step: RotationStep.Promote };
        var now = time.GetUtcNow();
        var last = isPromotion ? now : record?.LastRotation;
        var next = isPromotion ? record!.Terms.Schedule.After(now) : record?.NextRotation;
        var remarks = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            [LastRemark] = last is { } was ? GoTime.Format(was) : null,
            [NextRemark] = next is { } will ? GoTime.Format(will) : null,
        };
        if (await secret.RemarkAsync(remarks, cancellation) is { } fault)
        {
            log.LogWarning(
                "the times of rotation {Name} could not be shown beside its secret: {Reason}",
                name,
                RotationText.Of(fault)
            );
        }
    }

    private static StagedSecret Stage(StagedSecret old, string version, string value, long baseVersion)
    {
        if (old.Labelled(StagedSecret.Pending)?.Id == version)
        {
            return old;
        }

        // What was written by hand since the last rotation is current, too.
        var current = old.Labelled(StagedSecret.Current);
        var staged = old.Without(StagedSecret.Pending);
        if (current?.Value != value)
        {
            var id = Guid.NewGuid().ToString();
            staged = staged.With(id, value).Move(StagedSecret.Current, id);
        }

        return staged.With(version, value: null).Move(StagedSecret.Pending, version).Pruned() with
        {
            BaseVersion = baseVersion,
            Touched = false,
            RevertVersion = "",
        };
    }

    private async ValueTask<Fault?> SetBackAsync(
        string name,
        HookSettings settings,
        KvSecret secret,
        string failed,
        CancellationToken cancellation
    )
    {
        var (value, _, fault) = await secret.ReadAsync(cancellation);
        if (value is null)
        {
            return fault;
        }

        (var staged, fault) = await hooks.ChangeAsync(
            name,
            old =>
            {
                var back = old.RevertVersion.Length > 0 ? old.RevertVersion : Guid.NewGuid().ToString();
                return old.With(back, value).Move(StagedSecret.Pending, back).Move(StagedSecret.Previous, failed) with
                {
                    RevertVersion = back,
                };
            },
            cancellation
        );
        return staged is null ? fault
            : await CallAsync(name, settings, "setSecret", staged.RevertVersion, cancellation) is { } unset ? unset
            : await CallAsync(name, settings, "testSecret", staged.RevertVersion, cancellation);
    }

    private async ValueTask<Fault?> StepAsync(string step, SecretRotation rotation, CancellationToken cancellation) =>
        await hooks.SettingsAsync(rotation.Target, cancellation) is { } settings
            ? await CallAsync(rotation.Target, settings, step, rotation.Version, cancellation)
            : Fault.Invalid("the rotation is not configured any more");

    /// <summary>Calls the function with a token of its own, which ends with the call.</summary>
    private async ValueTask<Fault?> CallAsync(
        string name,
        HookSettings settings,
        string step,
        string version,
        CancellationToken cancellation
    )
    {
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var (staged, fault) = await hooks.ChangeAsync(
            name,
            old => old with { TokenHash = StagedSecret.Hash(token), TokenEnds = time.GetUtcNow() + settings.Timeout },
            cancellation
        );
        if (staged is null)
        {
            return fault;
        }

        fault = await call.CallAsync(settings, name, step, version, token, cancellation);
        (staged, var unsaved) = await hooks.ChangeAsync(name, old => old with { TokenHash = "" }, cancellation);
        return fault is null ? unsaved : Fault.Unavailable(WithoutSecrets(RotationText.Of(fault), staged));
    }

    /// <summary>A function's message may quote what it was given.</summary>
    private static string WithoutSecrets(string message, StagedSecret? staged)
    {
        const int ShortestSecret = 4;
        foreach (var value in (staged?.Versions ?? []).Select(version => version.Value).OfType<string>())
        {
            using var document = JsonDocument.Parse(value, Json.DocumentOptions);
            foreach (var text in Texts(document.RootElement).Where(text => text.Length >= ShortestSecret))
            {
                message = message.Replace(text, "[secret]", StringComparison.Ordinal);
            }
        }

        return message;
    }

    private static IEnumerable<string> Texts(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.Object => element.EnumerateObject().SelectMany(member => Texts(member.Value)),
            JsonValueKind.Array => element.EnumerateArray().SelectMany(Texts),
            JsonValueKind.String => [element.GetString()!],
            JsonValueKind.Number => [element.GetRawText()],
            _ => [],
        };

    private static async ValueTask<bool> IsWrittenAsync(
        KvSecret secret,
        string value,
        long baseVersion,
        CancellationToken cancellation
    )
    {
        var (current, version, _) = await secret.ReadAsync(cancellation);
        return current == value && version == (secret.Versioned ? baseVersion + 1 : 0);
    }

    private async ValueTask<KvSecret?> SecretAsync(string name, CancellationToken cancellation) =>
        await hooks.SettingsAsync(name, cancellation) is { } settings
            ? KvSecret.Find(mounts, asServer, settings.Target)
            : null;

    private static Fault Gone(HookSettings settings) =>
        Fault.Unavailable($"there is no key-value engine at {settings.Target} now");
}
