namespace Mayfly.Core.Rotation;

/// <summary>
/// Where a rotation stands. A step is stored before it is carried out, so what is stored may have come about, in part or not at
/// all.
/// </summary>
internal enum RotationStep
{
    /// <summary>Nothing is under way.</summary>
    Idle,

    Create,

    Set,

    Test,

    /// <summary>Waits for consumers: after the test with two credentials, before the change with one.</summary>
    Wait,

    Promote,

    /// <summary>The new credential is current; the old one is still to be ended. From here there is no way back.</summary>
    Retire,

    /// <summary>Goes back to the credential that is current.</summary>
    Revert,
}
