using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Rotation;

/// <summary>Words for what rotations do, as replies, the audit and the command line show them.</summary>
internal static class RotationText
{
    /// <summary>The reason of a rotation that nobody asked for.</summary>
    public const string BySchedule = "schedule";

    public const int LongestReason = 1_024;

    public static string Of(RotationStep step) =>
        step switch
        {
            RotationStep.Create => "create",
            RotationStep.Set => "set",
            RotationStep.Test => "test",
            RotationStep.Wait => "wait",
            RotationStep.Promote => "promote",
            RotationStep.Retire => "retire",
            RotationStep.Revert => "revert",
            _ => "idle",
        };

    public static string Of(RotationMode mode) =>
        mode switch
        {
            RotationMode.Atomic => "atomic",
            RotationMode.Coordinated => "coordinated",
            _ => "dual-credential",
        };

    /// <summary>The mode of that name, or null.</summary>
    public static RotationMode? ModeOf(string name) =>
        name switch
        {
            "dual-credential" or "dual" => RotationMode.DualCredential,
            "atomic" => RotationMode.Atomic,
            "coordinated" => RotationMode.Coordinated,
            _ => null,
        };

    public static string Of(LateConsumers late) => late == LateConsumers.Proceed ? "proceed" : "revert";

    public static string Of(Fault fault) =>
        fault.Messages.Count == 0 ? fault.Kind.ToString() : string.Join("; ", fault.Messages);
}
