using System.Reflection;

namespace Mayfly.Server.Startup;

/// <summary>Which version this is.</summary>
internal static class Versions
{
    /// <summary>The version of Vault whose API this is; clients gate features by it.</summary>
    private const string Api = "1.17.0";

    /// <summary>Ours: <c>0.1.0</c>.</summary>
    public static string Own { get; } =
        typeof(Versions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>As in replies: <c>1.17.0+mayfly.0.1.0</c>.</summary>
    public static string InReplies { get; } = $"{Api}+mayfly.{Own}";
}
