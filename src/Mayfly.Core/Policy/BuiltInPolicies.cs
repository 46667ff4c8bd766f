namespace Mayfly.Core.Policy;

/// <summary>Policies that exist without having been written.</summary>
internal static class BuiltInPolicies
{
    /// <summary>What every token may do with itself, as Vault's clients rely on it. Used until somebody writes another.</summary>
    public static PolicyDocument Default { get; } =
        Parse(
            PolicyNames.Default,
            """
            # A token may look itself up, renew itself and revoke itself.
            path "auth/token/lookup-self" {
                capabilities = ["read"]
            }
            path "auth/token/renew-self" {
                capabilities = ["update"]
            }
            path "auth/token/revoke-self" {
                capabilities = ["update"]
            }

            # A token may ask what it is allowed to do, and why.
            path "sys/capabilities-self" {
                capabilities = ["update"]
            }
            path "sys/internal/ui/resultant-acl" {
                capabilities = ["read"]
            }
            path "sys/internal/policy-explain" {
                capabilities = ["update"]
            }

            # A token's own leases.
            path "sys/renew" {
                capabilities = ["update"]
            }
            path "sys/leases/renew" {
                capabilities = ["update"]
            }
            path "sys/leases/lookup" {
                capabilities = ["update"]
            }

            # What a program that reads a secret says about the version that it uses; it must be able to read the secret.
            path "sys/consumers/ack" {
                capabilities = ["update"]
            }

            # A token's own cubbyhole.
            path "cubbyhole/*" {
                capabilities = ["create", "read", "update", "delete", "list"]
            }

            # Wrapping responses, and what was wrapped.
            path "sys/wrapping/wrap" {
                capabilities = ["update"]
            }
            path "sys/wrapping/lookup" {
                capabilities = ["update"]
            }
            path "sys/wrapping/unwrap" {
                capabilities = ["update"]
            }

            # General tools.
            path "sys/tools/hash" {
                capabilities = ["update"]
            }
            path "sys/tools/hash/*" {
                capabilities = ["update"]
            }

            # The state of a control-group request.
            path "sys/control-group/request" {
                capabilities = ["update"]
            }

            # An entity may look itself up, by its id and by its name.
            path "identity/entity/id/{{identity.entity.id}}" {
                capabilities = ["read"]
            }
            path "identity/entity/name/{{identity.entity.name}}" {
                capabilities = ["read"]
            }

            # OpenID Connect clients that use this server to log people in.
            path "identity/oidc/provider/+/authorize" {
                capabilities = ["read", "update"]
            }
            """
        );

    /// <summary>What a wrapping token is for.</summary>
    public static PolicyDocument ResponseWrapping { get; } =
        Parse(
            PolicyNames.ResponseWrapping,
            """
            path "cubbyhole/response" {
                capabilities = ["create", "read"]
            }
            path "sys/wrapping/unwrap" {
                capabilities = ["update"]
            }
            """
        );

    /// <summary>Has no text: what it allows is not a matter of rules.</summary>
    public static PolicyDocument Root { get; } = new(PolicyNames.Root, "", []);

    private static PolicyDocument Parse(string name, string text) =>
        PolicyDocument.Parse(name, text + "\n") is { Policy: { } policy }
            ? policy
            : throw new InvalidOperationException($"The built-in policy {name} does not parse.");
}
