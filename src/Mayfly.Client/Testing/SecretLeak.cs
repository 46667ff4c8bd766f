using System.Text;

namespace Mayfly.Client.Testing;

/// <summary>A place where a secret was told.</summary>
/// <param name="Place">Such as <c>log Orders: field Password</c>.</param>
/// <param name="Secret">Which one, by its number: <c>canary 1</c>.</param>
/// <param name="Position">Where in the text it begins, in characters.</param>
/// <param name="Excerpt">What stands around it, without secrets.</param>
public sealed record SecretLeak(string Place, string Secret, int Position, string Excerpt);

/// <summary>Secrets were told. The message says where, and never which.</summary>
#pragma warning disable RCS1194 // Made by SecretFree alone.
public sealed class SecretLeakException : Exception
#pragma warning restore RCS1194
{
    internal SecretLeakException(IReadOnlyList<SecretLeak> leaks)
        : base(Describe(leaks)) => Leaks = leaks;

    /// <summary>Where.</summary>
    public IReadOnlyList<SecretLeak> Leaks { get; }

    private static string Describe(IReadOnlyList<SecretLeak> leaks)
    {
        var text = new StringBuilder("Secrets were told:");
        foreach (var leak in leaks)
        {
            text.Append("\n  ")
                .Append(leak.Secret)
                .Append(" in ")
                .Append(leak.Place)
                .Append(", at ")
                .Append(leak.Position)
                .Append(": ")
                .Append(leak.Excerpt.ReplaceLineEndings(" "));
        }

        return text.ToString();
    }
}
