using System.Text.Json;
using System.Text.Json.Serialization;
using Mayfly.Core.Consumers;
using Mayfly.Core.Engines;
using Mayfly.Core.Policy;
using Mayfly.Crypto;

namespace Mayfly.Core.Rotation;

/// <summary>
/// What is stored of a rotation: its terms, how far the attempt under way has come, and what happened before. Holds no
/// credential. Immutable.
/// </summary>
internal sealed record RotationRecord
{
    private const int HistoryLength = 20;

    public required RotationTerms Terms { get; init; }

    /// <summary>An operator has set how consumers are waited for and when the old credential ends; an engine's terms leave it so.</summary>
    public bool OperatorWaits { get; init; }

    public RotationStep Step { get; init; }

    /// <summary>The attempt under way; the last one while <see cref="RotationStep.Idle"/>.</summary>
    public RotationAttempt? Attempt { get; init; }

    /// <summary>A rotation that somebody asked for and that has not begun.</summary>
    public RotationRequest? Request { get; init; }

    /// <summary>Nothing is tried before this, since it failed a moment ago.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>When the waiting for consumers, or the grace of the old credential, is looked at again.</summary>
    public DateTimeOffset? LookAgain { get; init; }

    /// <summary>The consumers that were behind when the waiting began; they are waited for after a restart, too.</summary>
    public IReadOnlyList<string> Awaited { get; init; } = [];

    /// <summary>Attempts that failed in a row.</summary>
    public int Failures { get; init; }

    /// <summary>How often the step that must not fail (promote, retire, revert) has failed in a row.</summary>
    public int StepFailures { get; init; }

    /// <summary>The version that was promoted last, or "".</summary>
    public string CurrentVersion { get; init; } = "";

    public DateTimeOffset? LastRotation { get; init; }

    /// <summary>When the schedule says so next; null when only on demand.</summary>
    public DateTimeOffset? NextRotation { get; init; }

    /// <summary>Why the last attempt, or the step that is tried again, failed; "" when it did not.</summary>
    public string LastError { get; init; } = "";

    /// <summary>The last attempts, latest first.</summary>
    public IReadOnlyList<RotationOutcome> History { get; init; } = [];

    /// <summary>Between its beginning and its promotion, or on the way back.</summary>
    [JsonIgnore]
    public bool IsUnderWay => Step is not (RotationStep.Idle or RotationStep.Retire);

    /// <summary>Whether it waits for a consumer of that name.</summary>
    public bool Awaits(string consumer) =>
        Terms.Consumers.Count == 0 || Terms.Consumers.Any(pattern => new TypePattern(pattern).Matches(consumer));

    /// <summary>When there is something to do next, or null.</summary>
    public DateTimeOffset? Due() =>
        Step switch
        {
            RotationStep.Idle => Later(Beginning(), NotBefore),
            RotationStep.Retire => Earlier(Later(LookAgain, NotBefore), Later(Beginning(), NotBefore)),
            RotationStep.Wait => Later(LookAgain ?? Attempt!.StartedAt, NotBefore),
            _ => NotBefore ?? Attempt!.StartedAt,
        };

    /// <summary>When the next attempt is to begin, or null.</summary>
    public DateTimeOffset? Beginning() => Earlier(Request?.At, NextRotation);

    /// <summary>
    /// The record under other terms. A changed period counts from the last rotation (and what would have been in the past by it
    /// is due now), the times of a cron expression from now; what is under way goes on.
    /// </summary>
    public RotationRecord Under(RotationTerms terms, DateTimeOffset now)
    {
        if (OperatorWaits)
        {
            terms = terms with
            {
                ConsumerWait = Terms.ConsumerWait,
                LateConsumers = Terms.LateConsumers,
                Consumers = Terms.Consumers,
                RetireAfter = Terms.RetireAfter,
            };
        }

        if (terms.Schedule == Terms.Schedule)
        {
            return this with { Terms = terms };
        }

        var next = terms.Schedule.After(terms.Schedule.Period > TimeSpan.Zero && LastRotation is { } last ? last : now);
        return this with { Terms = terms, NextRotation = next < now ? now : next };
    }

    /// <summary>
    /// The record with no moment further away than it can be by a clock that shows <paramref name="now"/>. What was computed while
    /// the clock was ahead would otherwise be waited for until that time comes.
    /// </summary>
    public RotationRecord By(DateTimeOffset now) =>
        this with
        {
            LastRotation = Earlier(LastRotation, LastRotation is null ? null : now),
            NextRotation = Terms.Schedule.After(now) is { } latest && NextRotation > latest ? latest : NextRotation,
            NotBefore = NotBefore > now + Backoff.Longest ? now + Backoff.Longest : NotBefore,
            LookAgain = LookAgain > now + LongestLook ? now + LongestLook : LookAgain,
            Request = Request?.At > now ? Request with { At = now } : Request,
            Attempt =
                Attempt is { } attempt && (attempt.StartedAt > now || attempt.WaitingSince > now)
                    ? attempt with
                    {
                        StartedAt = attempt.StartedAt > now ? now : attempt.StartedAt,
                        WaitingSince = attempt.WaitingSince > now ? now : attempt.WaitingSince,
                    }
                    : Attempt,
        };

    private TimeSpan LongestLook =>
        Step == RotationStep.Retire ? Terms.RetireAfter ?? TimeSpan.Zero
        : Terms.ConsumerWait > ConsumerBook.Lifetime ? Terms.ConsumerWait
        : ConsumerBook.Lifetime;

    public RotationRecord WithHistory(RotationOutcome outcome) =>
        this with
        {
            History = [outcome, .. History.Take(HistoryLength - 1)],
        };

    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, RotationRecordJson.Default.RotationRecord);

    public static RotationRecord Decode(SecretBytes value) =>
        JsonSerializer.Deserialize(value.Span, RotationRecordJson.Default.RotationRecord)!;

    private static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) =>
        one is null ? other
        : other is null || one < other ? one
        : other;

    private static DateTimeOffset? Later(DateTimeOffset? one, DateTimeOffset? limit) =>
        one is null || limit is null || limit < one ? one : limit;
}

/// <summary>One try to rotate. Immutable.</summary>
/// <param name="Version">The UUID of the new credential.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="Reason">Why it began.</param>
/// <param name="Emergency">Nobody is waited for, and the old credential ends at once.</param>
internal sealed record RotationAttempt(string Version, DateTimeOffset StartedAt, string Reason, bool Emergency)
{
    /// <summary>The step that failed, and why; "" while all is well.</summary>
    public string Error { get; init; } = "";

    /// <summary>Nobody has the secret yet, so nobody is waited for.</summary>
    public bool IsFirst { get; init; }

    /// <summary>When the waiting for consumers began, or null.</summary>
    public DateTimeOffset? WaitingSince { get; init; }
}

/// <summary>Somebody wants a rotation. Immutable.</summary>
/// <param name="At">Since when.</param>
/// <param name="Reason">For the history and the audit.</param>
/// <param name="Emergency">The credential is in the wrong hands.</param>
/// <param name="IsFirst">Nobody has the secret yet, so nobody is waited for.</param>
internal sealed record RotationRequest(DateTimeOffset At, string Reason, bool Emergency, bool IsFirst = false);

/// <summary>How an attempt ended. Immutable.</summary>
/// <param name="Version">The UUID of the new credential.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="EndedAt">When it was promoted, or had gone back.</param>
/// <param name="Reason">Why it began.</param>
/// <param name="Emergency">Whether it was an emergency.</param>
/// <param name="Error">Why it went back; "" when it was promoted.</param>
internal sealed record RotationOutcome(
    string Version,
    DateTimeOffset StartedAt,
    DateTimeOffset EndedAt,
    string Reason,
    bool Emergency,
    string Error
);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault
)]
[JsonSerializable(typeof(RotationRecord))]
internal sealed partial class RotationRecordJson : JsonSerializerContext;
