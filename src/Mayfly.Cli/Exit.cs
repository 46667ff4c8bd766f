namespace Mayfly.Cli;

/// <summary>Exit codes, as Vault's command line has them.</summary>
internal static class Exit
{
    public const int Ok = 0;

    /// <summary>Wrong flags or arguments, an unreadable file: nothing was asked of the server.</summary>
    public const int Local = 1;

    /// <summary>The server refused, failed or could not be reached. <c>status</c>: it is sealed.</summary>
    public const int Server = 2;

    /// <summary>No such command.</summary>
    public const int UnknownCommand = 127;
}
