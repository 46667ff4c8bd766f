using Mayfly.Core.Audit;
using Mayfly.Core.Identity;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;
using Mayfly.Crypto;

namespace Mayfly.Core.Rotation;

/// <summary>
/// Records what rotations do by themselves, as requests of the server to <c>sys/rotation/rotate/NAME</c>: an entry before
/// anything is done, and one with what came of it. Safe for concurrent use.
/// </summary>
internal sealed class RotationAudit(AuditBroker audit, Mount sys)
{
    /// <summary>The server itself, where it acts without being asked.</summary>
    public static Caller Server { get; } =
        new(
            new TokenEntry
            {
                Accessor = "",
                Type = TokenType.Service,
                Policies = ["root"],
                Path = "sys/rotation",
                DisplayName = "rotation",
                CreatedAt = DateTimeOffset.UnixEpoch,
            },
            Acl.Root
        );

    private static readonly string[] Shown = ["rotation", "step", "version", "reason", "emergency", "outcome"];

    private readonly Mount _mount = sys with
    {
        Tuning = sys.Tuning with { AuditNonHmacRequestKeys = Shown, AuditNonHmacResponseKeys = Shown },
    };

    /// <summary>Records that the rotation goes on from where it stands.</summary>
    /// <returns>What is ended with <see cref="EndAsync"/>, or why nothing may be done.</returns>
    public async ValueTask<(RotationEntry? Entry, Fault? Fault)> BeginAsync(string name, RotationRecord record)
    {
        using var body = Describe(name, record, outcome: "");
        var request = new Request
        {
            Id = Guid.NewGuid().ToString(),
            Operation = Operation.Update,
            Path = $"sys/rotation/rotate/{name}",
            Body = SecretBytes.CopyOf(body.Data.Span),
        };
        var ticket = audit.Begin(new AuditSubject(request, _mount, Server, AclDecision.NotNeeded));
        if (await ticket.RecordRequestAsync() is { } fault)
        {
            await ticket.RecordResponseAsync(fault);
            request.Dispose();
            return (null, fault);
        }

        return (new RotationEntry(name, request, ticket), null);
    }

    /// <summary>Records where the rotation stands now, and why it went back, if it did.</summary>
    public static async ValueTask EndAsync(RotationEntry entry, RotationRecord? record, string error)
    {
        using (entry.Request)
        {
            if (error.Length > 0 || record is null)
            {
                await entry.Ticket.RecordFailureAsync(error.Length > 0 ? error : "the secret is gone");
                return;
            }

            using var response = Describe(entry.Name, record, OutcomeOf(record));
            await entry.Ticket.RecordResponseAsync(response);
        }
    }

    private static string OutcomeOf(RotationRecord record) =>
        record.Step switch
        {
            RotationStep.Idle or RotationStep.Retire => "rotated",
            RotationStep.Wait => "waits for consumers",
            _ => "under way",
        };

    private static Response Describe(string name, RotationRecord record, string outcome) =>
        Response.Object(writer =>
        {
            writer.WriteString("rotation", name);
            writer.WriteString("step", RotationText.Of(record.Step));
            if (record.Step != RotationStep.Idle || outcome.Length > 0)
            {
                writer.WriteString("version", record.Attempt?.Version);
            }

            var reason =
                record.Step == RotationStep.Idle && outcome.Length == 0
                    ? record.Request?.Reason
                    : record.Attempt?.Reason;
            writer.WriteString("reason", reason ?? RotationText.BySchedule);
            writer.WriteBoolean(
                "emergency",
                record.Request?.Emergency == true
                    || (record.Step != RotationStep.Idle && record.Attempt?.Emergency == true)
            );
            if (outcome.Length > 0)
            {
                writer.WriteString("outcome", outcome);
            }
        });
}

/// <summary>A run of a rotation on its way through the audit.</summary>
internal sealed record RotationEntry(string Name, Request Request, AuditTicket Ticket);
