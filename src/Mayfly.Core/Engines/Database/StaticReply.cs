using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database;

/// <summary>What a reader of <c>static-creds/NAME</c> gets.</summary>
internal static class StaticReply
{
    public static Response Of(StaticRole role, StaticCredential credential, DateTimeOffset? rotated, TimeSpan ttl) =>
        Response.Object(writer =>
        {
            writer.WriteString("username", credential.User);
            writer.WriteString("password", credential.Password);
            writer.WriteNumber("ttl", (long)Math.Ceiling(Math.Max(0, ttl.TotalSeconds)));
            StaticRoleTerms.ShowSchedule(writer, role.Terms.Schedule);
            if (rotated is { } time)
            {
                writer.WriteString("last_vault_rotation", GoTime.Format(time));
            }
        });
}
