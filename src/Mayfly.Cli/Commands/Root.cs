using Mayfly.Cli.Commands.Agent;
using Mayfly.Cli.Commands.Audit;
using Mayfly.Cli.Commands.Auth;
using Mayfly.Cli.Commands.Data;
using Mayfly.Cli.Commands.Events;
using Mayfly.Cli.Commands.Honeytoken;
using Mayfly.Cli.Commands.Injector;
using Mayfly.Cli.Commands.Kv;
using Mayfly.Cli.Commands.Lease;
using Mayfly.Cli.Commands.Local;
using Mayfly.Cli.Commands.Operator;
using Mayfly.Cli.Commands.Policy;
using Mayfly.Cli.Commands.Redact;
using Mayfly.Cli.Commands.Rotation;
using Mayfly.Cli.Commands.Scan;
using Mayfly.Cli.Commands.Secrets;
using Mayfly.Cli.Commands.Token;
using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands;

/// <summary>Every first word. A command comes into being only when it is asked for, so that start-up stays short.</summary>
internal sealed class Root() : Group("mayfly", "Reads, writes and governs secrets")
{
    public override IReadOnlyList<string> Names =>
        [
            "read",
            "write",
            "delete",
            "list",
            "patch",
            "login",
            "unwrap",
            "status",
            "kv",
            "token",
            "lease",
            "secrets",
            "auth",
            "policy",
            "audit",
            "events",
            "rotate",
            "rotation",
            "scan",
            "redact",
            "agent",
            "honeytoken",
            "run",
            "operator",
            "injector",
            "print",
            "path-help",
            "server",
            "version",
            "completion",
        ];

    public override Node? Find(string name) =>
        name switch
        {
            "version" or "-v" or "-version" or "--version" => new VersionCommand(),
            "read" => new ReadCommand(),
            "write" => new WriteCommand(),
            "delete" => new DeleteCommand(),
            "list" => new ListCommand(),
            "patch" => new PatchCommand(),
            "login" => new LoginCommand(),
            "unwrap" => new UnwrapCommand(),
            "status" => new StatusCommand(),
            "kv" => new KvGroup(),
            "token" => new TokenGroup(),
            "lease" => new LeaseGroup(),
            "secrets" => new SecretsGroup(),
            "auth" => new AuthGroup(),
            "policy" => new PolicyGroup(),
            "audit" => new AuditGroup(),
            "events" => new EventsGroup(),
            "rotate" => new RotateCommand(),
            "rotation" => new RotationGroup(),
            "scan" => new ScanGroup(),
            "redact" => new RedactCommand(),
            "agent" => new AgentGroup(),
            "honeytoken" => new HoneytokenGroup(),
            "run" => new RunCommand(),
            "operator" => new OperatorGroup(),
            "injector" => new InjectorCommand(),
            "print" => new PrintGroup(),
            "path-help" => new PathHelpCommand(),
            "server" => new ServerCommand(),
            "completion" => new CompletionCommand(),
            "__complete" => new CompleteCommand(),
            "-autocomplete-install" or "--autocomplete-install" => new InstallCompletionCommand(remove: false),
            "-autocomplete-uninstall" or "--autocomplete-uninstall" => new InstallCompletionCommand(remove: true),
            _ => null,
        };
}
