using System.Text;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Policy.Passwords;

/// <summary>The named password policies, as they were written. Safe for concurrent use.</summary>
internal sealed class PasswordPolicyStore(View view)
{
    private const int MaxNameLength = 512;

    /// <summary>The policy as it was written, or null.</summary>
    public async ValueTask<string?> GetAsync(string name, CancellationToken cancellation)
    {
        if (NameProblem(name) is not null)
        {
            return null;
        }

        using var entry = await view.GetAsync(name, cancellation);
        return entry is null ? null : Encoding.UTF8.GetString(entry.Value.Span);
    }

    /// <summary>Stores a policy that can be satisfied; null, or why not.</summary>
    public async ValueTask<Fault?> PutAsync(string name, string text, CancellationToken cancellation)
    {
        if (NameProblem(name) is { } problem)
        {
            return problem;
        }

        var (policy, reason) = PasswordPolicyReader.Parse(text);
        if (policy is null)
        {
            return Fault.Invalid($"failed to parse password policy: {reason}");
        }

        var result = await view.PutAsync(name, Encoding.UTF8.GetBytes(text), cancellation);
        return result.Succeeded ? null : Fault.From(result);
    }

    /// <summary>Deletes a policy, if it is there; null, or why not.</summary>
    public async ValueTask<Fault?> DeleteAsync(string name, CancellationToken cancellation)
    {
        if (NameProblem(name) is { } problem)
        {
            return problem;
        }

        var result = await view.DeleteAsync(name, cancellation);
        return result.Succeeded ? null : Fault.From(result);
    }

    /// <summary>All names, sorted.</summary>
    public ValueTask<IReadOnlyList<string>> ListAsync(CancellationToken cancellation) =>
        view.ListAsync("", cancellation);

    /// <inheritdoc cref="Engines.PasswordSource"/>
    /// <exception cref="StoreCorruptException">The stored policy cannot be read.</exception>
    public async ValueTask<(string? Password, Fault? Fault)> GenerateAsync(string? name, CancellationToken cancellation)
    {
        var policy = PasswordPolicy.Default;
        if (!string.IsNullOrEmpty(name))
        {
            if (await GetAsync(name, cancellation) is not { } text)
            {
                return (null, Fault.Invalid($"password policy \"{Shown(name)}\" does not exist"));
            }

            (var stored, var reason) = PasswordPolicyReader.Parse(text);
            policy = stored ?? throw new StoreCorruptException($"The password policy {name} does not parse: {reason}");
        }

        return policy.Generate() is { } password
            ? (password, null)
            : (null, Fault.Unavailable($"no password was found that keeps the password policy \"{Shown(name)}\""));
    }

    private static Fault? NameProblem(string name) =>
        name.Length is 0 or > MaxNameLength
        || name is "." or ".."
        || name.Contains('/', StringComparison.Ordinal)
        || name.Any(c => char.IsControl(c) || char.IsSurrogate(c))
            ? Fault.Invalid(
                $"a password policy's name has 1 to {MaxNameLength} characters, without slashes and control characters"
            )
            : null;

    private static string? Shown(string? name) => name is { Length: > 64 } ? name[..64] + "…" : name;
}
