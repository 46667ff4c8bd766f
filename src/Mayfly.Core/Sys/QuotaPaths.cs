using System.Text.Json;
using Mayfly.Core.Engines;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Quotas;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/quotas</c>: limits on requests and on leases.</summary>
internal sealed class QuotaPaths
{
    private static readonly FieldSpec Name = new("name", FieldType.String, "The name of the quota.");

    private static readonly FieldSpec Path = new(
        "path",
        FieldType.String,
        "What it holds for: a mount, or a path below one, which may end with *. Without it, for everything."
    );

    private static readonly FieldSpec Role = new(
        "role",
        FieldType.String,
        "Holds for logins with this role only; the path is then an auth method that has roles."
    );

    private static readonly FieldSpec Inheritable = new(
        "inheritable",
        FieldType.Bool,
        "Whether it holds for child namespaces too. There are none: true for everything, false for the rest."
    );

    private static readonly FieldSpec Type = new("type", FieldType.String, "The kind of quota, as the path says it.");

    private static readonly TimeSpan LongestInterval = TimeSpan.FromDays(366);

    private readonly QuotaRules _quotas;
    private readonly MountRegistry _mounts;

    public QuotaPaths(QuotaRules quotas, MountRegistry mounts)
    {
        _quotas = quotas;
        _mounts = mounts;
        Entries =
        [
            new PathEntry("quotas/config")
            {
                Help = "Reads or changes the settings of all rate limits. What is not given stays.",
                Fields =
                [
                    new("rate_limit_exempt_paths", FieldType.StringList, "Paths that no rate limit holds for."),
                    new("enable_rate_limit_audit_logging", FieldType.Bool, "Audit the requests that are refused."),
                    new(
                        "enable_rate_limit_response_headers",
                        FieldType.Bool,
                        "Tell clients in headers of the reply how much of their allowance is left."
                    ),
                ],
                Read = ReadConfigAsync,
                Write = WriteConfigAsync,
            },
            new PathEntry("quotas/rate-limit")
            {
                Help = "Lists the names of the rate limits.",
                List = (_, _) => ValueTask.FromResult(Names(_quotas.AllRateLimits)),
            },
            new PathEntry("quotas/rate-limit/{name}")
            {
                Help = "Reads, sets or deletes a rate limit.",
                Fields =
                [
                    Name,
                    Type,
                    Path,
                    Role,
                    Inheritable,
                    new("rate", FieldType.String, "Requests in each interval; more than zero.") { Required = true },
                    new("interval", FieldType.Duration, "Of the rate; one second when not given."),
                    new("block_interval", FieldType.Duration, "How long who made too many is refused everything."),
                    new(
                        "group_by",
                        FieldType.String,
                        "ip: each address has its own allowance (the default); none: all share one."
                    ),
                ],
                Read = ReadRateLimitAsync,
                Write = WriteRateLimitAsync,
                Delete = async (request, cancellation) =>
                    OutcomeOf(await _quotas.DeleteRateLimitAsync(request.Fields.String("name"), cancellation)),
            },
            new PathEntry("quotas/lease-count")
            {
                Help = "Lists the names of the lease-count quotas.",
                List = (_, _) => ValueTask.FromResult(Names(_quotas.AllLeaseCounts)),
            },
            new PathEntry("quotas/lease-count/{name}")
            {
                Help = "Reads, sets or deletes a lease-count quota.",
                Fields =
                [
                    Name,
                    Type,
                    Path,
                    Role,
                    Inheritable,
                    new("max_leases", FieldType.Int, "How many leases and tokens there may be at a time.")
                    {
                        Required = true,
                    },
                ],
                Read = ReadLeaseCountAsync,
                Write = WriteLeaseCountAsync,
                Delete = async (request, cancellation) =>
                    OutcomeOf(await _quotas.DeleteLeaseCountAsync(request.Fields.String("name"), cancellation)),
            },
        ];
    }

    public IEnumerable<PathEntry> Entries { get; }

    private ValueTask<Outcome> ReadConfigAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var config = _quotas.Config;
        return ValueTask.FromResult<Outcome>(
            Response.Object(writer =>
            {
                writer.WriteBoolean("enable_rate_limit_audit_logging", config.AuditRefusals);
                writer.WriteBoolean("enable_rate_limit_response_headers", config.ShowAllowance);
                writer.WriteStartArray("rate_limit_exempt_paths");
                foreach (var path in config.ExemptPaths)
                {
                    writer.WriteStringValue(path);
                }

                writer.WriteEndArray();
            })
        );
    }

    private async ValueTask<Outcome> WriteConfigAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var fields = request.Fields;
        return OutcomeOf(
            await _quotas.ConfigureAsync(
                config =>
                    config with
                    {
                        ExemptPaths = fields.StringListOrNull("rate_limit_exempt_paths") is { } paths
                            ? [.. paths.Select(Relative)]
                            : config.ExemptPaths,
                        AuditRefusals = fields.Bool("enable_rate_limit_audit_logging", config.AuditRefusals),
                        ShowAllowance = fields.Bool("enable_rate_limit_response_headers", config.ShowAllowance),
                    },
                cancellation
            )
        );
    }

    private ValueTask<Outcome> ReadRateLimitAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("name");
        return ValueTask.FromResult<Outcome>(
            _quotas.AllRateLimits.FirstOrDefault(quota => quota.Name == name) is not { } quota
                ? Fault.NotFound()
                : Response.Object(writer =>
                {
                    WriteCommon(writer, "rate-limit", quota);
                    writer.WriteNumber("rate", quota.Rate);
                    writer.WriteNumber("interval", (long)quota.Interval.TotalSeconds);
                    writer.WriteNumber("block_interval", (long)quota.BlockInterval.TotalSeconds);
                    writer.WriteString("group_by", quota.PerAddress ? "ip" : "none");
                })
        );
    }

    private async ValueTask<Outcome> WriteRateLimitAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var fields = request.Fields;
        var (scope, fault) = Scope(fields);
        if (scope is null)
        {
            return fault!;
        }

        if (
            !double.TryParse(
                fields.String("rate"),
                System.Globalization.NumberStyles.Float,
                System.Globalization.CultureInfo.InvariantCulture,
                out var rate
            )
            || !(rate > 0)
            || rate > 1e9
        )
        {
            return Fault.Invalid("'rate' is invalid: it must be a number greater than zero");
        }

        var interval = fields.Duration("interval");
        var block = fields.Duration("block_interval");
        if (interval > LongestInterval || block > LongestInterval)
        {
            return Fault.Invalid(
                $"'interval' and 'block_interval' are at most {LongestInterval.TotalDays} days: what clients have used up is"
                    + " forgotten when the server restarts"
            );
        }

        var groupBy = fields.String("group_by");
        if (groupBy is not ("" or "ip" or "none"))
        {
            return Fault.Invalid("'group_by' is invalid: this server groups requests by \"ip\" or by \"none\"");
        }

        var quota = new RateLimitQuota(fields.String("name"), scope)
        {
            Rate = rate,
            Interval = interval == TimeSpan.Zero ? TimeSpan.FromSeconds(1) : interval,
            BlockInterval = block,
            PerAddress = groupBy != "none",
        };
        return OutcomeOf(await _quotas.PutAsync(quota, cancellation));
    }

    private async ValueTask<Outcome> ReadLeaseCountAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("name");
        if (_quotas.AllLeaseCounts.FirstOrDefault(quota => quota.Name == name) is not { } quota)
        {
            return Fault.NotFound();
        }

        var count = await _quotas.CountOfAsync(quota, cancellation);
        return Response.Object(writer =>
        {
            WriteCommon(writer, "lease-count", quota);
            writer.WriteNumber("max_leases", quota.MaxLeases);
            writer.WriteNumber("counter", count);
        });
    }

    private async ValueTask<Outcome> WriteLeaseCountAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var (scope, fault) = Scope(request.Fields);
        if (scope is null)
        {
            return fault!;
        }

        var max = request.Fields.Int("max_leases");
        if (max <= 0)
        {
            return Fault.Invalid("'max_leases' is invalid: it must be greater than zero");
        }

        var quota = new LeaseCountQuota(request.Fields.String("name"), scope) { MaxLeases = max };
        return OutcomeOf(await _quotas.PutAsync(quota, cancellation));
    }

    /// <summary>What the fields say that a quota holds for, or why there is no such thing.</summary>
    private (QuotaScope? Scope, Fault? Fault) Scope(FieldValues fields)
    {
        if (NameProblem(fields.String("name")) is { } problem)
        {
            return (null, problem);
        }

        var path = Relative(fields.String("path"));
        var role = fields.String("role");
        if (path.Length == 0)
        {
            return role.Length > 0 ? (null, Fault.Invalid("a quota with a role needs the path of an auth method"))
                : fields.Bool("inheritable", fallback: true) ? (QuotaScope.Everything, null)
                : (null, Fault.Invalid("all global quotas must be inheritable"));
        }

        if (_mounts.Table.Route(path + "/") is not { } mounted)
        {
            return (null, Fault.Invalid($"invalid mount path \"{path}\""));
        }

        if (fields.Bool("inheritable"))
        {
            return (null, Fault.Invalid("only global quotas can be inheritable: namespaces inherit, mounts do not"));
        }

        var below = (path + "/")[mounted.Mount.Path.Length..].TrimEnd('/');
        return below.AsSpan().TrimEnd('*').Contains('*') || below.EndsWith("**", StringComparison.Ordinal)
                ? (null, Fault.Invalid("a * can only stand at the end of the path"))
            : RoleProblem(mounted, below, role) is { } wrong ? (null, wrong)
            : (new QuotaScope(mounted.Mount.Accessor, below, role), null);
    }

    private static Fault? RoleProblem(MountedEngine mounted, string below, string role)
    {
        if (role.Length == 0)
        {
            return null;
        }

        if (below.Length > 0)
        {
            return Fault.Invalid(
                "Quotas cannot contain both a path suffix and a role. If a role is provided, path must be a valid auth"
                    + " mount with a concept of roles"
            );
        }

        return mounted.Mount.Kind != EngineKind.Auth
                ? Fault.Invalid(
                    $"Mount path \"{mounted.Mount.Path}\" is not a valid auth method and therefore unsuitable for use"
                        + " with role-based quotas"
                )
            : mounted.Engine is IHasLoginRoles ? null
            : Fault.Invalid($"Mount path \"{mounted.Mount.Path}\" does not support use with role-based quotas");
    }

    private void WriteCommon(Utf8JsonWriter writer, string type, Quota quota)
    {
        var mount = _mounts.Table.ByAccessor(quota.Scope.Mount);
        writer.WriteString("type", type);
        writer.WriteString("name", quota.Name);
        writer.WriteString("path", mount?.Mount.Path + quota.Scope.Path);
        writer.WriteString("role", quota.Scope.Role);
        writer.WriteBoolean("inheritable", quota.Scope == QuotaScope.Everything);
    }

    private static Outcome Names(IEnumerable<Quota> quotas) => Response.Keys([.. quotas.Select(quota => quota.Name)]);

    private static Outcome OutcomeOf(Fault? fault) => fault is null ? Outcome.Done : fault;

    /// <summary>Paths are below <c>/v1/</c>; some write that too.</summary>
    private static string Relative(string path)
    {
        path = path.Trim('/');
        return path.StartsWith("v1/", StringComparison.Ordinal) ? path[3..] : path;
    }

    private static Fault? NameProblem(string name) =>
        name.Length is 0 or > 128 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.')
            ? Fault.Invalid("a quota's name has 1 to 128 letters, digits, dashes, dots and underscores")
            : null;
}
