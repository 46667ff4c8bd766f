using System.Text.Json;
using Mayfly.Core.Events;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/policies/acl</c>, and <c>sys/policy</c> which is its older name.</summary>
internal sealed class PolicyPaths
{
    private readonly PolicyStore _policies;
    private readonly EventSource _events;

    public PolicyPaths(PolicyStore policies, EventSource events)
    {
        _policies = policies;
        _events = events;
        var name = new FieldSpec("name", FieldType.String, "The name of the policy; letter case does not matter.");
        var policy = new FieldSpec(
            "policy",
            FieldType.String,
            "The policy, in HCL or JSON, as it is or encoded in base64."
        );
        Entries =
        [
            new PathEntry("policies/acl")
            {
                Help = "Lists the names of the policies.",
                Read = ListAsync,
                List = ListAsync,
            },
            new PathEntry("policies/acl/{name*}")
            {
                IgnoresCase = true,
                Help = "Reads, writes or deletes a policy.",
                Fields = [name, policy],
                Read = (request, cancellation) => ReadAsync(request, "policy", cancellation),
                Write = WriteAsync,
                Delete = DeleteAsync,
            },
            new PathEntry("policy")
            {
                Help = "Lists the names of the policies. Older name of sys/policies/acl.",
                Read = ListAsync,
                List = ListAsync,
            },
            new PathEntry("policy/{name*}")
            {
                IgnoresCase = true,
                Help = "Reads, writes or deletes a policy. Older name of sys/policies/acl.",
                Fields = [name, policy, new FieldSpec("rules", FieldType.String, "Older name of the field policy.")],
                Read = (request, cancellation) => ReadAsync(request, "rules", cancellation),
                Write = WriteAsync,
                Delete = DeleteAsync,
            },
        ];
    }

    public IEnumerable<PathEntry> Entries { get; }

    private async ValueTask<Outcome> ListAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var names = await _policies.ListAsync(cancellation);
        return Response.Object(
            ResponseShape.EnvelopeAndTop,
            writer =>
            {
                Write(writer, "keys", names);
                Write(writer, "policies", names);
            }
        );
    }

    private async ValueTask<Outcome> ReadAsync(AuthorizedRequest request, string field, CancellationToken cancellation)
    {
        if (NameOf(request) is not { } name || await _policies.GetAsync(name, cancellation) is not { } policy)
        {
            return Fault.NotFound();
        }

        return Response.Object(
            ResponseShape.EnvelopeAndTop,
            writer =>
            {
                writer.WriteString("name", policy.Name);
                writer.WriteString(field, policy.Text);
            }
        );
    }

    private async ValueTask<Outcome> WriteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (NameOf(request) is not { } name)
        {
            return Spaced();
        }

        var text = request.Fields.StringOrNull("policy") ?? request.Fields.StringOrNull("rules");
        if (string.IsNullOrEmpty(text))
        {
            return Fault.Invalid("'policy' parameter not supplied or empty");
        }

        return Told("mayfly/policy-write", name, await _policies.PutAsync(name, PolicyText.Decode(text), cancellation));
    }

    private async ValueTask<Outcome> DeleteAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        NameOf(request) is { } name
            ? Told("mayfly/policy-delete", name, await _policies.DeleteAsync(name, cancellation))
            : Spaced();

    private Outcome Told(string eventType, string name, Fault? fault)
    {
        if (fault is not null)
        {
            return fault;
        }

        if (_events.IsHeard)
        {
            var path = $"policies/acl/{PolicyNames.Normalize(name)}";
            _events.Publish(eventType, path, path);
        }

        return Outcome.Done;
    }

    /// <summary>
    /// The name in the path; null when there is white space around it. Policies that guard the name without it would not
    /// hold for such a spelling.
    /// </summary>
    private static string? NameOf(AuthorizedRequest request) =>
        request.Fields.String("name") is var name && name.Trim() == name ? name : null;

    private static Fault Spaced() => Fault.Invalid("a policy's name must not begin or end with white space");

    private static void Write(Utf8JsonWriter writer, string name, IReadOnlyList<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }
}
