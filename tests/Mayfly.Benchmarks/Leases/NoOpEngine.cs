using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;

namespace Mayfly.Benchmarks.Leases;

/// <summary>Leases behind which there is nothing: what remains is the work of the server.</summary>
internal sealed class NoOpEngine : Engine, IIssuesLeases
{
    public static EngineType Type { get; } = new("noop", EngineKind.Secrets, "Nothing.", _ => new NoOpEngine());

    public override PathTable Paths { get; } =
        new(new PathEntry("creds/{role}") { Help = "Issues nothing.", Issue = (_, _) => new((Plan(), null)) });

    public ValueTask<Fault?> RenewAsync(LeasedSecret lease, CancellationToken cancellation) => new((Fault?)null);

    public ValueTask<Fault?> RevokeAsync(LeasedSecret lease, CancellationToken cancellation) => new((Fault?)null);

    private static LeasePlan Plan() =>
        new()
        {
            Ttl = TimeSpan.FromHours(1),
            MaxTtl = TimeSpan.Zero,
            Data = "v-token-readonly-x4kcHjHsJrXUvXeW9dmq"u8.ToArray(),
            Act = (_, _) => new(Response.Object(writer => writer.WriteString("name", "nothing"))),
        };
}
