using System.Globalization;
using Mayfly.Agent.Templates.Values;
using Mayfly.Hcl;
using Mayfly.Hosting.Logging;

namespace Mayfly.Agent.Configuration;

/// <summary>Puts files and environment together: the environment goes before the files, as in Vault Agent.</summary>
internal static class AgentSettings
{
    /// <summary>The configuration, or every problem that was found.</summary>
    /// <param name="paths">Files and folders, in order.</param>
    /// <param name="environment">Looks up a variable; null when it is not set.</param>
    public static (AgentConfiguration? Configuration, IReadOnlyList<string> Problems) From(
        IReadOnlyList<string> paths,
        Func<string, string?> environment
    )
    {
        if (paths.Count == 0)
        {
            return (null, ["a configuration is needed: -config=FILE, or a folder of files"]);
        }

        var (configuration, problems) = ConfigurationFiles.Read(paths);
        if (configuration is null)
        {
            return (null, problems);
        }

        var found = new List<string>();
        var server = configuration.Server;
        configuration = configuration with
        {
            Server = server with
            {
                Address = Variable("ADDR") ?? server.Address,
                CaCertificate = Variable("CACERT") ?? server.CaCertificate,
                CaFolder = Variable("CAPATH") ?? server.CaFolder,
                ClientCertificate = Variable("CLIENT_CERT") ?? server.ClientCertificate,
                ClientKey = Variable("CLIENT_KEY") ?? server.ClientKey,
                TlsServerName = Variable("TLS_SERVER_NAME") ?? server.TlsServerName,
                Namespace = Variable("NAMESPACE") ?? server.Namespace,
                SkipVerify = Flag("SKIP_VERIFY") ?? server.SkipVerify,
                Retries = Retries() ?? server.Retries,
                Timeout = Duration("CLIENT_TIMEOUT") ?? server.Timeout,
            },
            Log = Log(configuration.Log),
            Consumer = configuration.Consumer ?? ConsumerName.Default(paths),
            DisableKeepAlives =
                (Variable("AGENT_DISABLE_KEEP_ALIVES") ?? Variable("AGENT_DISABLE_IDLE_CONNECTIONS"))?.Split(
                    ',',
                    StringSplitOptions.TrimEntries
                ) ?? configuration.DisableKeepAlives,
        };
        return found.Count > 0 ? (null, found) : (configuration, []);

        string? Variable(string ending)
        {
            var value = environment("MAYFLY_" + ending);
            value = string.IsNullOrEmpty(value) ? environment("VAULT_" + ending) : value;
            return string.IsNullOrEmpty(value) ? null : value;
        }

        bool? Flag(string ending)
        {
            if (Variable(ending) is not { } text)
            {
                return null;
            }

            var flag = GoBool.Parse(text);
            if (flag is null)
            {
                found.Add($"MAYFLY_{ending} (or VAULT_{ending}) must be true or false");
            }

            return flag;
        }

        TimeSpan? Duration(string ending)
        {
            if (Variable(ending) is not { } text)
            {
                return null;
            }

            if (Durations.TryParse(text, out var duration) && duration > TimeSpan.Zero)
            {
                return duration;
            }

            found.Add($"MAYFLY_{ending} (or VAULT_{ending}) must be a duration such as 30s");
            return null;
        }

        int? Number(string ending, int least)
        {
            if (Variable(ending) is not { } text)
            {
                return null;
            }

            if (
                int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                && number >= least
            )
            {
                return number;
            }

            found.Add($"MAYFLY_{ending} (or VAULT_{ending}) must be a number from {least}");
            return null;
        }

        int? Retries()
        {
            if (Variable("MAX_RETRIES") is not { } text)
            {
                return null;
            }

            if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            {
                return Math.Max(0, number);
            }

            found.Add("MAYFLY_MAX_RETRIES (or VAULT_MAX_RETRIES) must be a number");
            return null;
        }

        LogStanza Log(LogStanza log)
        {
            if (Variable("LOG_LEVEL") is { } level)
            {
                log = log with { Level = LogSettings.ParseLevel(level) };
                if (log.Level is null)
                {
                    found.Add("the log level must be trace, debug, info, warn or error");
                }
            }

            if (Variable("LOG_FORMAT") is { } format)
            {
                log = log with { Format = LogSettings.ParseFormat(format) };
                if (log.Format is null)
                {
                    found.Add("the log format must be standard or json");
                }
            }

            return log with
            {
                File = Variable("LOG_FILE") ?? log.File,
                RotateBytes = Number("LOG_ROTATE_BYTES", 0) ?? log.RotateBytes,
                RotateAfter = Duration("LOG_ROTATE_DURATION") ?? log.RotateAfter,
                RotateKeep = Number("LOG_ROTATE_MAX_FILES", -1) ?? log.RotateKeep,
            };
        }
    }
}
