namespace Mayfly.Core.Mounts;

/// <summary>What an operator set of the lockout after failed logins: for a mount, or for a kind of auth method. Immutable.</summary>
public sealed record UserLockoutTuning
{
    /// <summary>Failures in a row that lock a name.</summary>
    public long? Threshold { get; init; }

    /// <summary>How long a name stays locked.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>Failures that lie further apart are not in a row.</summary>
    public TimeSpan? CounterReset { get; init; }

    /// <summary>Nobody is locked out.</summary>
    public bool? Disabled { get; init; }

    /// <summary>This, with what is not set from <paramref name="other"/>.</summary>
    public UserLockoutTuning Or(UserLockoutTuning? other) =>
        new()
        {
            Threshold = Threshold ?? other?.Threshold,
            Duration = Duration ?? other?.Duration,
            CounterReset = CounterReset ?? other?.CounterReset,
            Disabled = Disabled ?? other?.Disabled,
        };
}

/// <summary>When logins are locked out, with nothing left open. Immutable.</summary>
/// <param name="Threshold">Failures in a row that lock a name.</param>
/// <param name="Duration">How long a name stays locked.</param>
/// <param name="CounterReset">Failures that lie further apart are not in a row.</param>
/// <param name="Disabled">Nobody is locked out.</param>
public sealed record LockoutLimits(long Threshold, TimeSpan Duration, TimeSpan CounterReset, bool Disabled)
{
    /// <summary>Vault's.</summary>
    public static LockoutLimits Default { get; } = new(5, TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(15), false);

    /// <summary>What applies to a mount: its own settings, those of its type, those of all types, Vault's defaults.</summary>
    public static LockoutLimits Of(Mount mount, IReadOnlyDictionary<string, UserLockoutTuning> server)
    {
        var set = (mount.Tuning.UserLockout ?? new UserLockoutTuning())
            .Or(server.GetValueOrDefault(mount.Type))
            .Or(server.GetValueOrDefault("all"));
        return new LockoutLimits(
            set.Threshold ?? Default.Threshold,
            set.Duration ?? Default.Duration,
            set.CounterReset ?? Default.CounterReset,
            set.Disabled ?? Default.Disabled
        );
    }
}
