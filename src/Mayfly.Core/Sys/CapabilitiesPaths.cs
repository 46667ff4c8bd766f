using System.Text.Json;
using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;

namespace Mayfly.Core.Sys;

/// <summary>What a token may do, and why: <c>sys/capabilities…</c>, <c>sys/internal/policy-explain</c>.</summary>
internal sealed class CapabilitiesPaths
{
    private readonly Func<string, CancellationToken, ValueTask<Caller?>> _byToken;
    private readonly Func<string, CancellationToken, ValueTask<Caller?>> _byAccessor;

    /// <param name="byToken">The live token, or null. Must not count as a use of it.</param>
    /// <param name="byAccessor">The live token of an accessor, or null.</param>
    public CapabilitiesPaths(
        Func<string, CancellationToken, ValueTask<Caller?>> byToken,
        Func<string, CancellationToken, ValueTask<Caller?>> byAccessor
    )
    {
        _byToken = byToken;
        _byAccessor = byAccessor;
        var token = new FieldSpec("token", FieldType.String, "The token to ask about.");
        var accessor = new FieldSpec("accessor", FieldType.String, "The accessor of the token to ask about.");
        var paths = new FieldSpec("paths", FieldType.StringList, "The paths to ask about.");
        var path = new FieldSpec("path", FieldType.StringList, "Older name of paths.");
        Entries =
        [
            new PathEntry("capabilities")
            {
                Help = "What a token may do on paths.",
                Fields = [token, paths, path],
                Write = OfTokenAsync,
            },
            new PathEntry("capabilities-self")
            {
                Help = "What the caller's own token may do on paths.",
                // Vault's command line names its own token here too; it is the caller's in any case.
                Fields = [token, paths, path],
                Write = (request, _) => new(Answer(request, request.Caller)),
            },
            new PathEntry("capabilities-accessor")
            {
                Help = "What the token of an accessor may do on paths.",
                Fields = [accessor, paths, path],
                Write = OfAccessorAsync,
            },
            new PathEntry(ExplainPath)
            {
                Help =
                    "Why a token may do something or not: which rule of which policy decides, and why others do not.",
                Fields =
                [
                    new FieldSpec("path", FieldType.String, "The path to ask about, such as secret/data/app.")
                    {
                        Required = true,
                    },
                    new FieldSpec("operation", FieldType.String, "read, list, create, update, patch or delete.")
                    {
                        Required = true,
                    },
                    token with
                    {
                        Description = "Another token to ask about; whoever has it may ask.",
                    },
                    accessor with
                    {
                        Description = "The accessor of another token; needs sudo on this path.",
                    },
                ],
                Write = ExplainAsync,
            },
            new PathEntry("internal/ui/resultant-acl")
            {
                Help = "All that the caller's policies allow, merged.",
                Read = (request, _) => new(Resultant(request.Caller.Acl)),
            },
        ];
    }

    public IEnumerable<PathEntry> Entries { get; }

    private const string ExplainPath = "internal/policy-explain";

    private async ValueTask<Outcome> OfTokenAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (request.Fields.String("token") is not { Length: > 0 } token)
        {
            return Fault.Invalid("missing token");
        }

        return await _byToken(token, cancellation) is { } caller
            ? Answer(request, caller)
            : Fault.Invalid("invalid token");
    }

    private async ValueTask<Outcome> OfAccessorAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (request.Fields.String("accessor") is not { Length: > 0 } accessor)
        {
            return Fault.Invalid("missing accessor");
        }

        return await _byAccessor(accessor, cancellation) is { } caller
            ? Answer(request, caller)
            : Fault.Invalid("invalid accessor");
    }

    private static Outcome Answer(AuthorizedRequest request, Caller caller)
    {
        var asked = request.Fields.StringList("paths") is { Count: > 0 } paths
            ? paths
            : request.Fields.StringList("path");
        if (asked.Count == 0)
        {
            return Fault.Invalid("paths must be supplied");
        }

        return Response.Object(
            ResponseShape.EnvelopeAndTop,
            writer =>
            {
                foreach (var path in asked.Distinct(StringComparer.Ordinal))
                {
                    Write(writer, path, caller.Acl.Capabilities(path).Order(StringComparer.Ordinal));
                }

                // The answer for the one path, where clients from before there were several look for it.
                if (asked.Count == 1 && asked[0] != "capabilities")
                {
                    Write(writer, "capabilities", caller.Acl.Capabilities(asked[0]).Order(StringComparer.Ordinal));
                }
            }
        );
    }

    private async ValueTask<Outcome> ExplainAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (OperationOf(request.Fields.String("operation")) is not { } operation)
        {
            return Fault.Invalid("field operation: expected read, list, create, update, patch or delete");
        }

        var path = request.Fields.String("path").TrimStart('/');
        if (path.Length == 0)
        {
            return Fault.Invalid("field path: expected a path such as secret/data/app");
        }

        var caller = request.Caller;
        if (request.Fields.String("token") is { Length: > 0 } token)
        {
            if (await _byToken(token, cancellation) is not { } holder)
            {
                return Fault.Invalid("invalid token");
            }

            caller = holder;
        }
        else if (request.Fields.String("accessor") is { Length: > 0 } accessor && accessor != caller.Token.Accessor)
        {
            if (!caller.Acl.Decide(request.Operation, "sys/" + ExplainPath, body: null, wrapTtl: null).Sudo)
            {
                return Fault.Denied();
            }

            if (await _byAccessor(accessor, cancellation) is not { } other)
            {
                return Fault.Invalid("invalid accessor");
            }

            caller = other;
        }

        if (operation == Operation.List && !path.EndsWith('/'))
        {
            path += "/";
        }

        var explanation = caller.Acl.Explain(operation, path);
        return Response.Object(writer => Write(writer, caller, explanation));
    }

    private static Operation? OperationOf(string name) =>
        name.ToLowerInvariant() switch
        {
            "read" or "get" => Operation.Read,
            "list" => Operation.List,
            "create" => Operation.Create,
            "update" or "write" => Operation.Update,
            "patch" => Operation.Patch,
            "delete" => Operation.Delete,
            _ => null,
        };

    private static Response Resultant(Acl acl) =>
        Response.Object(writer =>
        {
            writer.WriteBoolean("root", acl.IsRoot);
            WriteRules(writer, "exact_paths", acl.Rules.Where(rule => rule.Pattern.IsExact));
            WriteRules(writer, "glob_paths", acl.Rules.Where(rule => !rule.Pattern.IsExact));
        });

    private static void WriteRules(Utf8JsonWriter writer, string name, IEnumerable<AclRule> rules)
    {
        writer.WriteStartObject(name);
        foreach (var rule in rules)
        {
            writer.WriteStartObject(rule.Pattern.HasSegments ? rule.Pattern.Text : rule.Pattern.Body);
            Write(writer, "capabilities", CapabilityNames.Of(rule.Allowed));
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, Caller caller, AclExplanation explanation)
    {
        writer.WriteString("path", explanation.Path);
        writer.WriteString("operation", explanation.Operation.ToString().ToLowerInvariant());
        writer.WriteBoolean("allowed", explanation.Allowed);
        writer.WriteBoolean("sudo", explanation.Sudo);
        writer.WriteString("reason", ReasonOf(explanation.Reason));
        Write(writer, "policies", caller.Token.Policies);
        if (explanation.Deciding is { } deciding)
        {
            writer.WriteStartObject("deciding");
            Write(writer, deciding);
            writer.WriteEndObject();
        }
        else
        {
            writer.WriteNull("deciding");
        }

        writer.WriteStartArray("others");
        foreach (var rule in explanation.Others)
        {
            writer.WriteStartObject();
            Write(writer, rule);
            writer.WriteString("why_not", rule.WhyNot);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        Write(writer, "conditions", explanation.Conditions);
        Write(writer, "hints", explanation.Hints);
        Write(writer, "explanation", explanation.Sentences);
    }

    private static string ReasonOf(AclReason reason) =>
        reason switch
        {
            AclReason.Root => "root",
            AclReason.Help => "help",
            AclReason.Granted => "granted",
            AclReason.Denied => "denied",
            AclReason.MissingCapability => "missing_capability",
            _ => "no_rule",
        };

    private static void Write(Utf8JsonWriter writer, AclExplainedRule rule)
    {
        writer.WriteString("path", rule.Pattern);
        Write(writer, "capabilities", rule.Capabilities);
        writer.WriteStartArray("rules");
        foreach (var (policy, source) in rule.Sources)
        {
            writer.WriteStartObject();
            writer.WriteString("policy", policy);
            writer.WriteNumber("line", source.Line);
            writer.WriteString("path", source.Path);
            Write(writer, "capabilities", CapabilityNames.Of(source.Capabilities));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter writer, string name, IEnumerable<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }
}
