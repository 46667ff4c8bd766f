namespace Mayfly.Cli.Flags;

/// <summary>A flag of another program that this one cannot honour, and says so.</summary>
/// <param name="name">Its name there.</param>
/// <param name="reason">What there is instead.</param>
internal sealed class RefusedFlag(string name, string reason) : Flag(name, "")
{
    public override string? ValueName => "string";

    protected override string? Accept(string text) => reason;
}
