namespace Mayfly.Tests.Rotation;

/// <summary>What goes wrong at one point of a rotation.</summary>
public enum Mishap
{
    None,

    /// <summary>It fails, and nothing has come about.</summary>
    Fails,

    /// <summary>It comes about, but whoever called learns only of a failure.</summary>
    FailsAfterwards,

    /// <summary>The process dies just before.</summary>
    DiesBefore,

    /// <summary>The process dies just after.</summary>
    DiesAfter,
}

/// <summary>Deals out mishaps in turn: one for each store write and each call of a rotator.</summary>
internal sealed class Trouble(IReadOnlyList<Mishap> mishaps)
{
    /// <summary>How many points have been passed.</summary>
    public int Points { get; private set; }

    /// <summary>The process is dead: nothing that it still tries has an effect.</summary>
    public bool IsDead { get; private set; }

    /// <summary>Called after each effect, in the state that it left behind.</summary>
    public Func<Task> Check { get; set; } = () => Task.CompletedTask;

    /// <summary>A new process.</summary>
    public void Restart() => IsDead = false;

    /// <summary>Passes a point: has <paramref name="effect"/> come about, or not.</summary>
    public async Task<T> PassAsync<T>(Func<Task<T>> effect, Func<T> failure)
    {
        if (IsDead)
        {
            throw new ProcessDiedException();
        }

        var mishap = Points < mishaps.Count ? mishaps[Points] : Mishap.None;
        Points++;
        switch (mishap)
        {
            case Mishap.Fails:
                return failure();
            case Mishap.DiesBefore:
                IsDead = true;
                throw new ProcessDiedException();
        }

        var result = await effect();
        await Check();
        switch (mishap)
        {
            case Mishap.FailsAfterwards:
                throw new TimeoutException("the answer was lost");
            case Mishap.DiesAfter:
                IsDead = true;
                throw new ProcessDiedException();
            default:
                return result;
        }
    }
}

internal sealed class ProcessDiedException : Exception;
