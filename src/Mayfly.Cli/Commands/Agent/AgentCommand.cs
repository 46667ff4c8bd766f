using System.Globalization;
using Mayfly.Agent;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Agent;

internal sealed class AgentCommand() : Command("agent", "Log in for other programs, and bring them their secrets")
{
    private readonly ListFlag _config = new(
        "config",
        "Configuration in HCL, JSON or YAML: a file, or a folder of them. May be repeated; later ones add and replace."
    );

    private readonly BoolFlag _exitAfterAuth = new(
        "exit-after-auth",
        "Log in, write every file once, and end with 0; or with 1 after exit_after_auth_timeout."
    );

    private readonly TextFlag _logLevel = new("log-level", "trace, debug, info, warn or error. Also VAULT_LOG_LEVEL.");

    private readonly TextFlag _logFormat = new("log-format", "standard or json. Also VAULT_LOG_FORMAT.");

    private readonly TextFlag _logFile = new(
        "log-file",
        "File to log to instead of standard error. Also VAULT_LOG_FILE."
    );

    private readonly NumberFlag _logRotateBytes = new(
        "log-rotate-bytes",
        "Start a new log file when this one would be larger. Also VAULT_LOG_ROTATE_BYTES."
    );

    private readonly DurationFlag _logRotateDuration = new(
        "log-rotate-duration",
        "Start a new log file after this time; 24h by default. Also VAULT_LOG_ROTATE_DURATION."
    );

    private readonly NumberFlag _logRotateMaxFiles = new(
        "log-rotate-max-files",
        "How many older log files are kept: 0 for all, -1 for none. Also VAULT_LOG_ROTATE_MAX_FILES."
    );

    public override string Usage => "-config=PATH [options]";

    public override string Details =>
        """
            Keeps a login, writes its token and rendered templates to files, answers requests on local listeners, and
            starts a program with its secrets, as the configuration says. Files made for Vault Agent work.
            SIGHUP reads the log level and certificates anew; SIGTERM and SIGINT stop it.
            mayfly agent generate-config writes a configuration to begin with.
            $ mayfly agent -config=/etc/mayfly/agent.hcl
            $ mayfly agent -config=agent.yaml -exit-after-auth
            """;

    public override IReadOnlyList<Flag> Flags =>
        [
            _config,
            _exitAfterAuth,
            _logLevel,
            _logFormat,
            _logFile,
            _logRotateBytes,
            _logRotateDuration,
            _logRotateMaxFiles,
        ];

    public override bool ShowsAnswers => false;

    public override Task<int> RunAsync(Invocation call)
    {
        var variables = call.Variables;
        var arguments = new AgentArguments
        {
            Configurations = _config.Values,
            ExitAfterAuth = _exitAfterAuth.IsSet ? _exitAfterAuth.Value : null,
            Environment = name =>
                name switch
                {
                    "MAYFLY_LOG_LEVEL" => _logLevel.Value,
                    "MAYFLY_LOG_FORMAT" => _logFormat.Value,
                    "MAYFLY_LOG_FILE" => _logFile.Value,
                    "MAYFLY_LOG_ROTATE_BYTES" => Text(_logRotateBytes),
                    "MAYFLY_LOG_ROTATE_DURATION" => _logRotateDuration.Value,
                    "MAYFLY_LOG_ROTATE_MAX_FILES" => Text(_logRotateMaxFiles),
                    _ => null,
                } ?? variables(name),
        };
        return AgentProgram.RunAsync(arguments, call.Session.Error, call.Cancellation);
    }

    private static string? Text(NumberFlag flag) => flag.Value?.ToString(CultureInfo.InvariantCulture);
}
