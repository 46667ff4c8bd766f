using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Configuration;

/// <summary>Names of log levels and formats, in Vault's spelling.</summary>
internal static class LogNames
{
    /// <summary>The level of that name; null when there is none.</summary>
    public static LogLevel? Level(string name) =>
        name.ToLowerInvariant() switch
        {
            "trace" => LogLevel.Trace,
            "debug" => LogLevel.Debug,
            "info" or "" => LogLevel.Information,
            "warn" or "warning" => LogLevel.Warning,
            "err" or "error" => LogLevel.Error,
            "off" or "none" => LogLevel.None,
            _ => null,
        };

    /// <summary>Whether the format of that name is JSON; null when there is no such format.</summary>
    public static bool? IsJson(string name) =>
        name.ToLowerInvariant() switch
        {
            "json" => true,
            "standard" or "" => false,
            _ => null,
        };
}
