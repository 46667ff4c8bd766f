using System.Collections.Concurrent;
using System.Text;
using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines;

/// <summary>Issues names that exist in <see cref="LeasedThings"/> as long as their lease lives, and nothing else.</summary>
internal sealed class LeasingEngine : Engine, IIssuesLeases
{
    private readonly LeasedThings _things;

    private LeasingEngine(LeasedThings things)
    {
        _things = things;
        Paths = new PathTable(
            new PathEntry("creds/{role}")
            {
                Help = "Issues a name.",
                Fields =
                [
                    new FieldSpec("role", FieldType.String, "Shown in the name."),
                    new FieldSpec("ttl", FieldType.Duration, "How long it lives."),
                    new FieldSpec("max_ttl", FieldType.Duration, "How long renewals can make it live."),
                    new FieldSpec("fixed", FieldType.Bool, "Cannot be renewed."),
                ],
                Issue = PlanAsync,
            }
        );
    }

    public override PathTable Paths { get; }

    public static EngineType TypeOver(LeasedThings things) =>
        new("leasing", EngineKind.Secrets, "Issues names.", _ => new LeasingEngine(things));

    public async ValueTask<Fault?> RenewAsync(LeasedSecret lease, CancellationToken cancellation)
    {
        var name = Encoding.UTF8.GetString(lease.Data.Span);
        if (_things.OnRenew is { } act && await act(name, cancellation) is { } fault)
        {
            return fault;
        }

        if (_things.Alive.ContainsKey(name))
        {
            _things.Alive[name] = lease.ExpiresAt;
        }

        return null;
    }

    public async ValueTask<Fault?> RevokeAsync(LeasedSecret lease, CancellationToken cancellation)
    {
        var name = Encoding.UTF8.GetString(lease.Data.Span);
        _things.Revocations.Enqueue(name);
        if (_things.OnRevoke is { } act && await act(name, cancellation) is { } fault)
        {
            return fault;
        }

        _things.Alive.TryRemove(name, out _);
        return null;
    }

    private async ValueTask<(LeasePlan? Plan, Fault? Fault)> PlanAsync(
        AuthorizedRequest request,
        CancellationToken cancellation
    )
    {
        if (_things.OnPlan is { } act)
        {
            await act();
        }

        var name = $"{request.Fields.String("role")}-{Guid.NewGuid():N}";
        return (
            new LeasePlan
            {
                Ttl = request.Fields.Duration("ttl"),
                MaxTtl = request.Fields.Duration("max_ttl"),
                Renewable = !request.Fields.Bool("fixed"),
                Data = Encoding.UTF8.GetBytes(name),
                Act = (expiresAt, acting) => MakeAsync(name, expiresAt, acting),
            },
            null
        );
    }

    private async ValueTask<Outcome> MakeAsync(string name, DateTimeOffset expiresAt, CancellationToken cancellation)
    {
        _things.Alive[name] = expiresAt;
        if (_things.OnMake is { } act && await act(name, cancellation) is { } fault)
        {
            return fault;
        }

        return Response.Object(writer => writer.WriteString("name", name));
    }
}

/// <summary>The world outside of a <see cref="LeasingEngine"/>: what exists there, and what goes wrong. Safe for concurrent use.</summary>
internal sealed class LeasedThings
{
    /// <summary>What exists, with the end that it was given.</summary>
    public ConcurrentDictionary<string, DateTimeOffset> Alive { get; } = new(StringComparer.Ordinal);

    /// <summary>Every call to revoke, in order.</summary>
    public ConcurrentQueue<string> Revocations { get; } = new();

    /// <summary>Runs before a thing is planned.</summary>
    public Func<Task>? OnPlan { get; set; }

    /// <summary>Runs after a thing was made; a fault is the answer.</summary>
    public Func<string, CancellationToken, ValueTask<Fault?>>? OnMake { get; set; }

    /// <summary>Runs before a thing is removed; with a fault it stays.</summary>
    public Func<string, CancellationToken, ValueTask<Fault?>>? OnRevoke { get; set; }

    /// <summary>Runs before a thing's end is moved; with a fault it is not.</summary>
    public Func<string, CancellationToken, ValueTask<Fault?>>? OnRenew { get; set; }
}
