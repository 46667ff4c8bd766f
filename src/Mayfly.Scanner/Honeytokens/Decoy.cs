namespace Mayfly.Scanner.Honeytokens;

/// <summary>What looks like a credential and opens nothing: whoever uses it has read what they should not have. Immutable.</summary>
/// <param name="Kind">One of <see cref="DecoyMaker.Kinds"/>.</param>
/// <param name="Text">What to lay out, with line breaks.</param>
/// <param name="Values">The parts that stand for secrets, by which it is known again wherever it turns up.</param>
public sealed record Decoy(string Kind, string Text, IReadOnlyList<string> Values)
{
    /// <summary>Says nothing of the values.</summary>
    public override string ToString() => $"Decoy({Kind})";
}
