using Microsoft.Extensions.Logging;

namespace Mayfly.Hosting.Logging;

/// <summary>How log lines look.</summary>
internal enum LogFormat
{
    Standard,
    Json,
}

/// <summary>What is logged, and how. The level can be changed while the process runs.</summary>
internal sealed class LogSettings(LogLevel level, LogFormat format)
{
    private volatile int _level = (int)level;

    public LogLevel Level
    {
        get => (LogLevel)_level;
        set => _level = (int)value;
    }

    public LogFormat Format { get; } = format;

    /// <summary>The level of that name, in Vault's spelling; null when there is none.</summary>
    public static LogLevel? ParseLevel(string name) =>
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

    /// <summary>The format of that name; null when there is none.</summary>
    public static LogFormat? ParseFormat(string name) =>
        name.ToLowerInvariant() switch
        {
            "standard" or "" => LogFormat.Standard,
            "json" => LogFormat.Json,
            _ => null,
        };
}
