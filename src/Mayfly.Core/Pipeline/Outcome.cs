namespace Mayfly.Core.Pipeline;

/// <summary>A <see cref="Response"/> or a <see cref="Fault"/>: failures are values.</summary>
public readonly struct Outcome
{
    private Outcome(Response? response, Fault? fault)
    {
        Response = response;
        Fault = fault;
    }

    /// <summary>The response, unless there is a fault.</summary>
    public Response? Response { get; }

    /// <summary>Why it failed, or null.</summary>
    public Fault? Fault { get; }

    public bool Succeeded => Fault is null;

    /// <summary>Done, with nothing to say: 204.</summary>
    public static Outcome Done => new(Response.Empty, null);

    public static implicit operator Outcome(Response response) => new(response, null);

    public static implicit operator Outcome(Fault fault) => new(null, fault);

    /// <summary><see cref="Done"/> when the commit succeeded, its fault otherwise.</summary>
    public static Outcome From(Storage.CommitResult result) => result.Succeeded ? Done : Fault.From(result);
}
