namespace Mayfly.Core.Pipeline;

/// <summary>
/// What a request wants. A write arrives as <see cref="Update"/>; where the path can tell that nothing is there yet, the
/// pipeline turns it into <see cref="Create"/> before the policy check.
/// </summary>
public enum Operation
{
    Read,
    List,
    Create,
    Update,
    Patch,
    Delete,

    /// <summary>The path's help text, which needs a token but no capability.</summary>
    Help,
}
