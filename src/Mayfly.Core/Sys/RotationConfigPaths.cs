using System.Security.Cryptography;
using System.Text.Json;
using Mayfly.Core.Consumers;
using Mayfly.Core.Engines;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Rotation;
using Mayfly.Core.Rotation.Webhook;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/rotation/config</c>: which secrets of key-value engines are rotated by a webhook, and how consumers are waited for.</summary>
internal sealed class RotationConfigPaths(
    Rotations rotations,
    RotationNames names,
    HookRecords hooks,
    WebhookRotator webhook,
    MountRegistry mounts,
    AsServer asServer
)
{
    private const int LongestName = 128;
    private const int ShortestKey = 16;
    private const int MostConsumers = 100;

    private static readonly FieldSpec Name = new(
        "name",
        FieldType.String,
        "A name without slashes for a rotation by webhook; or the name of an engine's rotation, such as "
            + "database/static-roles/app, of which only consumers, consumer_wait, late_consumers and retire_after can be set here."
    );

    public IEnumerable<PathEntry> Entries =>
        [
            new PathEntry("rotation/config") { Help = "Lists the names of all rotations.", List = names.ListAsync },
            new PathEntry("rotation/config/{name*}")
            {
                Help =
                    "Configures the rotation of a secret by a webhook, or how the consumers of any rotation are waited for.",
                Access = Access.Sudo,
                Fields =
                [
                    Name,
                    new(
                        "target",
                        FieldType.String,
                        "the secret: a path of a key-value engine, such as secret/data/app"
                    ),
                    new(
                        "url",
                        FieldType.String,
                        "where the rotation function is called: https, or http on this machine"
                    ),
                    new(
                        "signing_key",
                        FieldType.String,
                        "signs the calls (HMAC-SHA256); made up, and shown once, when not given"
                    ),
                    new(
                        "ca_cert",
                        FieldType.String,
                        "the authority that vouches for url, in PEM; the system's when not given"
                    ),
                    new("allow_plain_http", FieldType.Bool, "whether url may be http on another machine"),
                    new(
                        "timeout",
                        FieldType.Duration,
                        "how long one call of the function may take; 30s when not given"
                    ),
                    new("mode", FieldType.String, "dual-credential (when not given), atomic or coordinated"),
                    new("rotation_period", FieldType.Duration, "from one rotation to the next; at least 5s"),
                    new("rotation_schedule", FieldType.String, "cron expression of five fields, in UTC"),
                    new(
                        "rotation_window",
                        FieldType.Duration,
                        "how long after a time of the schedule a rotation may begin"
                    ),
                    new(
                        "consumers",
                        FieldType.StringList,
                        "who is waited for: names of consumers, with * for any text, such as shop/*; all when not given"
                    ),
                    new("consumer_wait", FieldType.Duration, "the longest to wait for consumers; 0 for not at all"),
                    new(
                        "late_consumers",
                        FieldType.String,
                        "what follows when some are still behind: revert (when not given) or proceed"
                    ),
                    new(
                        "retire_after",
                        FieldType.Duration,
                        "how long the old credential stays valid; without it until its turn comes again"
                    ),
                    new(
                        "rotate_immediately",
                        FieldType.Bool,
                        "whether the first rotation begins now; otherwise one period from now"
                    ),
                    new(
                        "force",
                        FieldType.Bool,
                        "of a delete: also while a rotation is under way, which is then left half-way"
                    ),
                ],
                Read = ReadAsync,
                List = names.ListAsync,
                Write = WriteAsync,
                Delete = DeleteAsync,
                Exists = async (match, cancellation) =>
                    names.Find(match.Captures["name"] ?? "") is { } id
                    && (await rotations.Records.GetAsync(id, cancellation)).Record is not null,
            },
        ];

    private async ValueTask<Outcome> ReadAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("name");
        if (
            names.Find(name) is not { } id
            || (await rotations.Records.GetAsync(id, cancellation)).Record is not { } record
        )
        {
            return Fault.NotFound();
        }

        var settings = id.IsNamed ? await hooks.SettingsAsync(id.Target, cancellation) : null;
        return Response.Object(writer => Write(writer, name, record, settings, newKey: null));
    }

    private async ValueTask<Outcome> WriteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (names.Find(request.Fields.String("name")) is not { } id)
        {
            return Fault.NotFound("there is no such mount");
        }

        var (record, version) = await rotations.Records.GetAsync(id, cancellation);
        if (!id.IsNamed)
        {
            return record is null
                ? Fault.NotFound("the engine has nothing of that name rotated")
                : await WriteWaitsAsync(request, id, record, version, cancellation);
        }

        if (
            id.Target.Length > LongestName
            || id.Target.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))
        )
        {
            return Fault.Invalid(
                $"a rotation's name has 1 to {LongestName} letters, digits, dots, hyphens and underscores"
            );
        }

        return await WriteHookAsync(request, id, record, version, cancellation);
    }

    /// <summary>Of an engine's rotation the engine says what and when; the operator, how consumers are waited for.</summary>
    private async ValueTask<Outcome> WriteWaitsAsync(
        AuthorizedRequest request,
        RotationId id,
        RotationRecord record,
        long version,
        CancellationToken cancellation
    )
    {
        string[] engines =
        [
            "target",
            "url",
            "signing_key",
            "ca_cert",
            "allow_plain_http",
            "timeout",
            "mode",
            "rotation_period",
            "rotation_schedule",
            "rotation_window",
            "rotate_immediately",
        ];
        if (engines.FirstOrDefault(request.Fields.Has) is { } field)
        {
            return Fault.Invalid(
                $"{field} of this rotation is its engine's: set it at {request.Fields.String("name")}"
            );
        }

        var (terms, fault) = Waits(request.Fields, record.Terms);
        if (terms is null)
        {
            return fault!;
        }

        var changed = record with { Terms = terms, OperatorWaits = true };
        return Outcome.From(await rotations.Records.SaveAsync(id, changed, version, cancellation));
    }

    private async ValueTask<Outcome> WriteHookAsync(
        AuthorizedRequest request,
        RotationId id,
        RotationRecord? record,
        long version,
        CancellationToken cancellation
    )
    {
        var fields = request.Fields;
        var old = await hooks.SettingsAsync(id.Target, cancellation);
        var (settings, secret, fault) = Settings(request, old);
        if (settings is null || secret is null)
        {
            return fault!;
        }

        if (record is { IsUnderWay: true } && old is not null && old.Target != settings.Target)
        {
            return Fault.Conflict("a rotation is under way: the target can be changed when it has ended");
        }

        var (terms, termsFault) = Terms(fields, record?.Terms ?? new RotationTerms());
        if (terms is null)
        {
            return termsFault!;
        }

        terms = terms with { ReadPath = secret.ReadPath };
        var now = rotations.Time.GetUtcNow();
        var changed =
            record?.Under(terms, now)
            ?? new RotationRecord
            {
                Terms = terms,
                NextRotation = fields.Bool("rotate_immediately") ? now : terms.Schedule.After(now),
            };
        var batch = new Batch();
        rotations.Records.Put(batch, id, changed, version);
        hooks.Put(batch, id.Target, settings);
        var result = await rotations.Records.View.CommitAsync(batch, cancellation);
        if (!result.Succeeded)
        {
            return Fault.From(result);
        }

        await webhook.RemarkAsync(id.Target, secret, cancellation);
        var newKey = settings.SigningKey != old?.SigningKey && !fields.Has("signing_key") ? settings.SigningKey : null;
        return Response.Object(writer => Write(writer, id.Target, changed, settings, newKey));
    }

    private async ValueTask<Outcome> DeleteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (names.Find(request.Fields.String("name")) is not { } id)
        {
            return Outcome.Done;
        }

        if (!id.IsNamed)
        {
            return Fault.Invalid("this rotation is its engine's: delete the secret's role there");
        }

        var (record, version) = await rotations.Records.GetAsync(id, cancellation);
        if (record is null)
        {
            return Outcome.Done;
        }

        if (record.IsUnderWay && !request.Fields.Bool("force"))
        {
            return Fault.Conflict(
                $"a rotation is under way (step {RotationText.Of(record.Step)}); wait for its end, or leave it half-way with force=true"
            );
        }

        var batch = new Batch();
        rotations.Records.Delete(batch, id, version);
        hooks.Delete(batch, id.Target);
        return Outcome.From(await rotations.Records.View.CommitAsync(batch, cancellation));
    }

    private (HookSettings? Settings, KvSecret? Secret, Fault? Fault) Settings(
        AuthorizedRequest request,
        HookSettings? old
    )
    {
        var fields = request.Fields;
        var target = fields.StringOrNull("target") ?? old?.Target ?? "";
        var text = fields.StringOrNull("url") ?? old?.Url.ToString() ?? "";
        if (target.Length == 0 || text.Length == 0)
        {
            return (null, null, Fault.Invalid("a rotation by webhook needs target and url"));
        }

        if (KvSecret.Find(mounts, asServer, target) is not { } secret)
        {
            return (null, null, Fault.Invalid($"there is no secret of a key-value engine at {target}"));
        }

        // Whoever has a secret rotated gets to see and change it through the function.
        var acl = request.Caller.Acl;
        if (
            !acl.Decide(Operation.Read, secret.ReadPath, body: null, wrapTtl: null).Allowed
            || !acl.Decide(Operation.Update, secret.ReadPath, body: null, wrapTtl: null).Allowed
        )
        {
            return (null, null, Fault.Denied($"the token may not read and update {secret.ReadPath}"));
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var url))
        {
            return (null, null, Fault.Invalid("url is not an address such as https://rotate.example/app"));
        }

        var key = fields.StringOrNull("signing_key");
        var caCert = fields.StringOrNull("ca_cert") ?? old?.CaCert ?? "";
        var plain = fields.BoolOrNull("allow_plain_http") ?? old?.AllowPlainHttp ?? false;
        var timeout = fields.DurationOrNull("timeout") ?? old?.Timeout ?? HookSettings.DefaultTimeout;
        var fault =
            HookCall.Problem(url, plain)
            ?? webhook.NoWayBack()
            ?? (caCert.Length > 0 ? HookCall.CaProblem(caCert) : null)
            ?? (
                key is { Length: < ShortestKey }
                    ? Fault.Invalid($"signing_key is shorter than {ShortestKey} characters")
                    : null
            )
            ?? (
                timeout <= TimeSpan.Zero || timeout > HookSettings.LongestTimeout
                    ? Fault.Invalid($"timeout must be between 1s and {HookSettings.LongestTimeout.TotalSeconds:0}s")
                    : null
            );
        return fault is not null
            ? (null, null, fault)
            : (
                new HookSettings
                {
                    Target = secret.ReadPath,
                    Url = url,
                    SigningKey = key ?? old?.SigningKey ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)),
                    CaCert = caCert,
                    AllowPlainHttp = plain,
                    Timeout = timeout,
                },
                secret,
                null
            );
    }

    private static (RotationTerms? Terms, Fault? Fault) Terms(FieldValues fields, RotationTerms old)
    {
        var schedule = old.Schedule;
        if (fields.Has("rotation_period") || fields.Has("rotation_schedule") || fields.Has("rotation_window"))
        {
            (var sent, var fault) = RotationSchedule.From(
                fields.DurationOrNull("rotation_period"),
                fields.StringOrNull("rotation_schedule"),
                fields.DurationOrNull("rotation_window")
            );
            if (sent is null)
            {
                return (null, fault);
            }

            schedule = sent;
        }

        if (fields.StringOrNull("mode") is not { } mode)
        {
            return Waits(fields, old with { Schedule = schedule });
        }

        return RotationText.ModeOf(mode) is { } known
            ? Waits(fields, old with { Schedule = schedule, Mode = known })
            : (null, Fault.Invalid("mode must be dual-credential, atomic or coordinated"));
    }

    private static (RotationTerms? Terms, Fault? Fault) Waits(FieldValues fields, RotationTerms old)
    {
        var late = fields.StringOrNull("late_consumers");
        var consumers = fields.StringListOrNull("consumers");
        return late is not (null or "revert" or "proceed")
                ? (null, Fault.Invalid("late_consumers must be revert or proceed"))
            : consumers?.Count > MostConsumers
                ? (null, Fault.Invalid($"consumers has at most {MostConsumers} names; use *, as in shop/*"))
            : consumers?.Select(ConsumerName.Problem).FirstOrDefault(problem => problem is not null) is { } misnamed
                ? (null, misnamed)
            : (
                old with
                {
                    Consumers = consumers ?? old.Consumers,
                    ConsumerWait = fields.DurationOrNull("consumer_wait") ?? old.ConsumerWait,
                    RetireAfter = fields.DurationOrNull("retire_after") ?? old.RetireAfter,
                    LateConsumers =
                        late is null ? old.LateConsumers
                        : late == "proceed" ? LateConsumers.Proceed
                        : LateConsumers.Revert,
                },
                null
            );
    }

    private static void Write(
        Utf8JsonWriter writer,
        string name,
        RotationRecord record,
        HookSettings? settings,
        string? newKey
    )
    {
        var terms = record.Terms;
        writer.WriteString("name", name);
        writer.WriteString("mode", RotationText.Of(terms.Mode));
        RotationReply.WriteSchedule(writer, terms.Schedule);
        writer.WriteStartArray("consumers");
        foreach (var consumer in terms.Consumers)
        {
            writer.WriteStringValue(consumer);
        }

        writer.WriteEndArray();
        writer.WriteNumber("consumer_wait", (long)terms.ConsumerWait.TotalSeconds);
        writer.WriteString("late_consumers", RotationText.Of(terms.LateConsumers));
        if (terms.RetireAfter is { } grace)
        {
            writer.WriteNumber("retire_after", (long)grace.TotalSeconds);
        }

        RotationReply.WriteTime(writer, "last_rotation", record.LastRotation);
        RotationReply.WriteTime(writer, "next_rotation", record.NextRotation);
        if (settings is null)
        {
            return;
        }

        writer.WriteString("target", settings.Target);
        writer.WriteString("url", settings.Url.ToString());
        writer.WriteString("ca_cert", settings.CaCert);
        writer.WriteBoolean("allow_plain_http", settings.AllowPlainHttp);
        writer.WriteNumber("timeout", (long)settings.Timeout.TotalSeconds);
        if (newKey is not null)
        {
            writer.WriteString("signing_key", newKey);
        }
    }
}
