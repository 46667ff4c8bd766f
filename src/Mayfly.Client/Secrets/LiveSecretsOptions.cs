using Microsoft.Extensions.Logging;

namespace Mayfly.Client.Secrets;

/// <summary>When a program's use of a new version is reported to a source that waits for it.</summary>
public enum Acknowledgement
{
    /// <summary>When the program is handed the version: it reads it, or is told of it as a change.</summary>
    WhenGiven,

    /// <summary>
    /// When the program calls <see cref="LiveSecret.Acknowledge()"/>: for what goes on using the old version for a while after it
    /// has been given the new one, such as a pool of connections.
    /// </summary>
    ByProgram,

    /// <summary>Never. A rotation then takes being given the version for using it.</summary>
    Never,
}

/// <summary>How <see cref="LiveSecrets"/> keeps secrets fresh. Immutable.</summary>
public sealed record LiveSecretsOptions
{
    /// <summary>How long a value counts as fresh after it was read. A source that names a shorter time is followed, down to 10 s.</summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long after the end of its TTL a value may still be handed out while the source cannot be read; null for one TTL more.
    /// Zero: never. A leased credential is never handed out after the end of its lease.
    /// </summary>
    public TimeSpan? MaxStale { get; init; }

    /// <summary>
    /// The part of the TTL after which a value is read again at the latest, but not before 10 s of a TTL that is longer than that.
    /// </summary>
    public double RefreshAt { get; init; } = 0.7;

    /// <summary>
    /// The part of the TTL over which refreshes are spread, before <see cref="RefreshAt"/>: with 0.1 between 60 % and 70 %.
    /// </summary>
    public double Jitter { get; init; } = 0.1;

    /// <summary>
    /// The part of a lease that cannot be renewed after which a new credential takes its place, up to a tenth of the lease sooner.
    /// One that can be is renewed at two thirds.
    /// </summary>
    public double ReplaceAt { get; init; } = 2.0 / 3;

    /// <summary>The longest that one read of the source may take.</summary>
    public TimeSpan FetchTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How many secrets are read from the source at once, at most. Of one secret there is never more than one read.</summary>
    public int MaxConcurrentFetches { get; init; } = 32;

    /// <summary>After failures a secret is tried again after 1 s, 2 s, 4 s and so on, half of it random, up to this.</summary>
    public TimeSpan LongestBackOff { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The least time between two reads of one secret that the program's own doings cause: first reads of one that is not there,
    /// <see cref="LiveSecret.RefreshAsync"/>, failed log-ins.
    /// </summary>
    public TimeSpan LeastInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Listen for changes, when the source can tell them.</summary>
    public bool Watch { get; init; } = true;

    /// <summary>After a change of a secret it is read again within this time, so that many programs do not all come at once.</summary>
    public TimeSpan ChangeSpread { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>When any secret may have changed unheard, all are read again within this time.</summary>
    public TimeSpan LostSpread { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often secrets are read while changes cannot be heard of; null to leave it to the TTL.</summary>
    public TimeSpan? PollInterval { get; init; }

    /// <summary>Where last values are kept for a start while the source is away; null to keep none.</summary>
    public LastKnownGoodFolder? LastKnownGood { get; init; }

    /// <summary>At a start with a kept value: how long the source is waited for before that value is handed out.</summary>
    public TimeSpan StartPatience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Which exceptions mean that a credential was not accepted.</summary>
    public AuthenticationFailures AuthenticationFailures { get; init; } = AuthenticationFailures.Default;

    /// <summary>When the use of a new version is reported.</summary>
    public Acknowledgement Acknowledgement { get; init; } = Acknowledgement.WhenGiven;

    /// <summary>
    /// When the credential that a new one has replaced is revoked: so long after. Null leaves it to end with its lease, so that
    /// connections made with it live on.
    /// </summary>
    public TimeSpan? RevokeReplacedAfter { get; init; }

    /// <summary>Revoke leased credentials at <see cref="LiveSecrets.DisposeAsync"/>.</summary>
    public bool RevokeAtEnd { get; init; } = true;

    /// <summary>
    /// The key of <see cref="SecretValue.VersionHash"/>, at least 32 random bytes, for hashes that are the same in all processes
    /// that have it. Null for a random one.
    /// </summary>
    public ReadOnlyMemory<byte>? VersionHashKey { get; init; }

    /// <summary>Where reasons of failures are told. No value ever is.</summary>
    public ILogger? Logger { get; init; }

    /// <summary>Time; a test hands in its own.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    internal void Validate()
    {
        Positive(Ttl, nameof(Ttl));
        Positive(FetchTimeout, nameof(FetchTimeout));
        Positive(LongestBackOff, nameof(LongestBackOff));
        Positive(PollInterval ?? Ttl, nameof(PollInterval));
        NotNegative(MaxStale ?? Ttl, nameof(MaxStale));
        NotNegative(LeastInterval, nameof(LeastInterval));
        NotNegative(StartPatience, nameof(StartPatience));
        NotNegative(ChangeSpread, nameof(ChangeSpread));
        NotNegative(LostSpread, nameof(LostSpread));
        NotNegative(RevokeReplacedAfter ?? Ttl, nameof(RevokeReplacedAfter));
        Require(RefreshAt is > 0 and < 1, $"{nameof(RefreshAt)} is a part of the TTL, between 0 and 1");
        Require(ReplaceAt is > 0 and <= 1, $"{nameof(ReplaceAt)} is a part of the lease, above 0 and up to 1");
        Require(
            Jitter >= 0 && Jitter <= RefreshAt,
            $"{nameof(Jitter)} is a part of the TTL, up to {nameof(RefreshAt)}"
        );
        Require(MaxConcurrentFetches > 0, $"{nameof(MaxConcurrentFetches)} is at least 1");
        Require(
            VersionHashKey is not { Length: < ContentDigest.KeySize },
            $"{nameof(VersionHashKey)} has at least {ContentDigest.KeySize} bytes"
        );
    }

    private static void Positive(TimeSpan span, string option) =>
        Require(span > TimeSpan.Zero, $"{option} is more than zero");

    private static void NotNegative(TimeSpan span, string option) =>
        Require(span >= TimeSpan.Zero, $"{option} is not negative");

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new ArgumentException(what);
        }
    }

    // The compiler's ToString of a record would print the key.
    /// <inheritdoc/>
    public override string ToString() => $"{nameof(LiveSecretsOptions)} {{ Ttl = {Ttl}, MaxStale = {MaxStale} }}";
}

/// <summary>What is different for one secret. Immutable.</summary>
public sealed record LiveSecretOptions
{
    /// <summary>Instead of <see cref="LiveSecretsOptions.Ttl"/>.</summary>
    public TimeSpan? Ttl { get; init; }

    /// <summary>Instead of <see cref="LiveSecretsOptions.MaxStale"/>.</summary>
    public TimeSpan? MaxStale { get; init; }

    /// <summary>Instead of <see cref="LiveSecretsOptions.Acknowledgement"/>.</summary>
    public Acknowledgement? Acknowledgement { get; init; }
}
