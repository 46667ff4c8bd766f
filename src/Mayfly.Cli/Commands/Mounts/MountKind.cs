namespace Mayfly.Cli.Commands.Mounts;

/// <summary>What secrets engines and auth methods are called and where their API is.</summary>
internal sealed record MountKind(bool IsAuth, string Api, string Singular, string Indefinite, string Plural)
{
    public static MountKind Secrets { get; } =
        new(false, "sys/mounts/", "secrets engine", "a secrets engine", "secrets engines");

    public static MountKind Auth { get; } = new(true, "sys/auth/", "auth method", "an auth method", "auth methods");
}
