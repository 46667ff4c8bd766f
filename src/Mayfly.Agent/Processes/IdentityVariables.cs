namespace Mayfly.Agent.Processes;

/// <summary>
/// Environment variables that say who the agent is: <c>VAULT_TOKEN</c>, <c>MAYFLY_SECRET_ID</c> and their like. Programs that it
/// starts do not get them: they are to have their secrets, and not the key to all of them.
/// </summary>
internal static class IdentityVariables
{
    private static readonly string[] Endings = ["TOKEN", "SECRET_ID", "ROLE_ID", "PASSWORD"];

    /// <summary>Whether a variable of that name is one.</summary>
    public static bool Includes(string name) =>
        (name.StartsWith("VAULT_", StringComparison.Ordinal) || name.StartsWith("MAYFLY_", StringComparison.Ordinal))
        && Endings.Any(ending => name.EndsWith(ending, StringComparison.Ordinal));

    /// <summary>The names of those that this process has.</summary>
    public static IEnumerable<string> InUse() =>
        Environment.GetEnvironmentVariables().Keys.Cast<string>().Where(Includes);
}
