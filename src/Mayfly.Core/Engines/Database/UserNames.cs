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

        return NameOf(template, new NameFields(Harmless(caller), Harmless(role), now), connection.Kind);
    }

    /// <summary>Why a template cannot be one of that kind of database, or null: looked at with fields as short as they can get.</summary>
    public static Fault? Problem(NameTemplate template, DatabaseKind kind) =>
        NameOf(template, new NameFields("x", "x", DateTimeOffset.UnixEpoch), kind).Fault;

    private static (string? Name, Fault? Fault) NameOf(NameTemplate template, NameFields fields, DatabaseKind kind)
    {
        var (name, fault) = template.RenderNew(fields);
        fault ??= Problem(name!, kind);
        return fault is null ? (name, null) : (null, fault);
    }

    /// <summary>Why the database cannot have a user of that name, or null.</summary>
    private static Fault? Problem(string name, DatabaseKind kind)
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
