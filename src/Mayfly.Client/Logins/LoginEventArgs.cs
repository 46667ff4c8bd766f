namespace Mayfly.Client.Logins;

/// <summary>A session has another token.</summary>
/// <param name="login">The new login.</param>
/// <param name="previous">The one before, or null.</param>
public sealed class LoginEventArgs(Login login, Login? previous) : EventArgs
{
    /// <summary>The new login.</summary>
    public Login Login { get; } = login;

    /// <summary>
    /// The login before, or null. The session does not revoke its token: it dies at its own time, and with it the credentials
    /// that were issued with it. Whoever holds such credentials replaces them now.
    /// </summary>
    public Login? Previous { get; } = previous;
}
