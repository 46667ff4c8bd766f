namespace Mayfly.Client.Telemetry;

/// <summary>What this library tells of itself to <c>System.Diagnostics</c>; see <c>docs/sdk.md</c> for the list.</summary>
public static class MayflyTelemetry
{
    /// <summary>The name of the meter and of the source of activities: <c>Mayfly.Client</c>.</summary>
    public const string Name = "Mayfly.Client";
}
