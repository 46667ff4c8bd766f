using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Audit;

internal sealed class AuditGroup() : Group("audit", "Manage audit devices and verify audit files")
{
    public override IReadOnlyList<string> Names => ["enable", "disable", "list", "verify"];

    public override Node? Find(string name) =>
        name switch
        {
            "enable" => new AuditEnableCommand(),
            "disable" => new AuditDisableCommand(),
            "list" => new AuditListCommand(),
            "verify" => new AuditVerifyCommand(),
            _ => null,
        };
}
