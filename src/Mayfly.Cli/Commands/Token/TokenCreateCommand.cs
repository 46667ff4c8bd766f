using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Token;

internal sealed class TokenCreateCommand() : Command("create", "Create a token")
{
    private readonly TextFlag _id = new("id", "The token's own text. Needs root; it appears in process lists.");
    private readonly ListFlag _policies = new("policy", "A policy of the token. May be repeated.");
    private readonly DurationFlag _ttl = new("ttl", "How long it lives unless renewed.");
    private readonly DurationFlag _maxTtl = new("explicit-max-ttl", "How long it lives at most, whatever is renewed.");
    private readonly DurationFlag _period = new("period", "Each renewal lets it live this long, without an end.");
    private readonly TextFlag _displayName = new("display-name", "A name that the audit shows.");
    private readonly NumberFlag _uses = new("use-limit", "How often it can be used; 0 for no limit.");
    private readonly BoolFlag _renewable = new("renewable", "Can be renewed, which is the default.");
    private readonly BoolFlag _orphan = new("orphan", "Has no parent, and so outlives the token that creates it.");
    private readonly BoolFlag _noDefault = new("no-default-policy", "Without the policy named default.");
    private readonly MapFlag _metadata = new("metadata", "key=value that the audit shows. May be repeated.");
    private readonly TextFlag _role = new("role", "Create it by this role, which may overrule the other flags.");
    private readonly TextFlag _alias = new("entity-alias", "The entity alias, with -role.");

    private readonly TextFlag _type = new("type", "service (the default) or batch.") { Choices = ["service", "batch"] };

    public override string Usage => "[options]";

    public override string Details =>
        """
            Creates a token, a child of the one in use: it dies with its parent, unless -orphan. Without -policy it
            has the policies of its parent.
            $ mayfly token create -policy=app -ttl=1h
            $ mayfly token create -policy=backup -period=24h -orphan -field=token
            """;

    public override IReadOnlyList<Flag> Flags =>
        [
            _id,
            _policies,
            _ttl,
            _maxTtl,
            _period,
            _displayName,
            _uses,
            _renewable,
            _orphan,
            _noDefault,
            _metadata,
            _type,
            _role,
            _alias,
        ];

    public override bool HasField => true;

    public override async Task<int> RunAsync(Invocation call)
    {
        var path =
            _role.Value is { Length: > 0 } role ? $"auth/token/create/{role}"
            : _orphan.Value ? "auth/token/create-orphan"
            : "auth/token/create";
        var response = await call.WriteAsync(path, Write);
        return response.IsSuccess ? call.Show(response) : call.Refused("Error creating token", response);
    }

    private void Write(Utf8JsonWriter writer)
    {
        Text("id", _id.Value);
        Text("ttl", _ttl.Value);
        Text("explicit_max_ttl", _maxTtl.Value);
        Text("period", _period.Value);
        Text("display_name", _displayName.Value);
        Text("type", _type.Value);
        Text("entity_alias", _alias.Value);
        if (_policies.IsSet)
        {
            writer.WriteStartArray("policies");
            foreach (var policy in _policies.Values)
            {
                writer.WriteStringValue(policy);
            }

            writer.WriteEndArray();
        }

        if (_uses.Value is { } uses)
        {
            writer.WriteNumber("num_uses", uses);
        }

        Switch("renewable", _renewable);
        Switch("no_parent", _orphan);
        Switch("no_default_policy", _noDefault);
        if (_metadata.IsSet)
        {
            writer.WriteStartObject("meta");
            foreach (var (name, value) in _metadata.Values)
            {
                writer.WriteString(name, value);
            }

            writer.WriteEndObject();
        }

        void Text(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                writer.WriteString(name, value);
            }
        }

        void Switch(string name, BoolFlag flag)
        {
            if (flag.IsSet)
            {
                writer.WriteBoolean(name, flag.Value);
            }
        }
    }
}
