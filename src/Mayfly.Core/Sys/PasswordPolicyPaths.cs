using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy.Passwords;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/policies/password</c>: how engines make passwords.</summary>
internal sealed class PasswordPolicyPaths
{
    private readonly PasswordPolicyStore _policies;

    public PasswordPolicyPaths(PasswordPolicyStore policies)
    {
        _policies = policies;
        var name = new FieldSpec("name", FieldType.String, "The name of the password policy.");
        Entries =
        [
            new PathEntry("policies/password") { Help = "Lists the names of the password policies.", List = ListAsync },
            new PathEntry("policies/password/{name}/generate")
            {
                Help = "Makes a password by the policy. Nothing keeps it.",
                Fields = [name],
                Read = GenerateAsync,
            },
            new PathEntry("policies/password/{name}")
            {
                Help = "Reads, writes or deletes a password policy.",
                Fields =
                [
                    name,
                    new FieldSpec(
                        "policy",
                        FieldType.String,
                        "The policy, in HCL or JSON, as it is or encoded in base64: length = 20, and rules such as"
                            + " rule \"charset\" { charset = \"abc\" min-chars = 1 }."
                    ),
                ],
                Read = ReadAsync,
                Write = WriteAsync,
                Delete = DeleteAsync,
            },
        ];
    }

    public IEnumerable<PathEntry> Entries { get; }

    private async ValueTask<Outcome> ListAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        Response.Keys(await _policies.ListAsync(cancellation));

    private async ValueTask<Outcome> ReadAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        await _policies.GetAsync(request.Fields.String("name"), cancellation) is { } text
            ? Response.Object(writer => writer.WriteString("policy", text))
            : Missing();

    private async ValueTask<Outcome> WriteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (request.Fields.StringOrNull("policy") is not { Length: > 0 } text)
        {
            return Fault.Invalid("missing policy");
        }

        var name = request.Fields.String("name");
        return await _policies.PutAsync(name, PolicyText.Decode(text), cancellation) is { } fault
            ? fault
            : Outcome.Done;
    }

    private async ValueTask<Outcome> DeleteAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        await _policies.DeleteAsync(request.Fields.String("name"), cancellation) is { } fault ? fault : Outcome.Done;

    private async ValueTask<Outcome> GenerateAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("name");
        if (await _policies.GetAsync(name, cancellation) is null)
        {
            return Missing();
        }

        var (password, fault) = await _policies.GenerateAsync(name, cancellation);
        return password is null ? fault! : Response.Object(writer => writer.WriteString("password", password));
    }

    private static Fault Missing() => Fault.NotFound("policy does not exist");
}
