using System.Text;
using Mayfly.Core.Naming;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database;

/// <summary>Names for users. What callers can choose of them is reduced to harmless characters before it gets there.</summary>
internal static class UserNames
{
    /// <returns>A name for a user of <paramref name="role"/>, or why the template gives none.</returns>
    public static (string? Name, Fault? Fault) Make(
        OpenConnection connection,
        string caller,
        string role,
        DateTimeOffset now
    )
    {
        var template = connection.Kind.UserName;
        if (connection.Config.UsernameTemplate.Length > 0)
        {
            (var own, var fault) = NameTemplate.Parse(connection.Config.UsernameTemplate);
            if (own is null)
            {
                return (null, fault);
            }

            template = own;
        }

        var name = template.Render(new NameFields(Harmless(caller), Harmless(role), now));
        return Problem(name, connection.Kind) is { } problem ? (null, problem) : (name, null);
    }

    /// <summary>A name with fields as short as they can get.</summary>
    public static string Sample(NameTemplate template) =>
        template.Render(new NameFields("x", "x", DateTimeOffset.UnixEpoch));

    /// <summary>Why the database cannot have a user of that name, or null.</summary>
    public static Fault? Problem(string name, DatabaseKind kind)
    {
        var size = Encoding.UTF8.GetByteCount(name);
        return size == 0 ? Fault.Invalid("username_template gives an empty name")
            : size > kind.MaxNameBytes
                ? Fault.Invalid(
                    $"username_template gives a name of {size} bytes, and this database has {kind.MaxNameBytes} at most; "
                        + $"end it with \"| truncate {kind.MaxNameBytes}\""
                )
            : name.Any(char.IsControl) ? Fault.Invalid("username_template gives a name with a control character")
            : null;
    }

    private static string Harmless(string text) =>
        string.Concat(
            text.Select(character =>
                char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.' or '@' ? character : '_'
            )
        );
}
