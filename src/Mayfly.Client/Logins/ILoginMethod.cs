namespace Mayfly.Client.Logins;

/// <summary>A way to prove who calls, such as AppRole. It keeps no login: that is <see cref="LoginSession"/>'s.</summary>
public interface ILoginMethod
{
    /// <summary>Logs in once, without repeating what failed. Calls do not overlap when a <see cref="LoginSession"/> makes them.</summary>
    /// <param name="client">Where to log in: a client without a token of its own.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A token that is valid now.</returns>
    /// <exception cref="MayflyException">The server refuses, does not answer, or what to log in with is not to be had.</exception>
    Task<Login> LoginAsync(MayflyClient client, CancellationToken cancellationToken);
}
