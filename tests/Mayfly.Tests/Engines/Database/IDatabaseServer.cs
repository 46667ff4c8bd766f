namespace Mayfly.Tests.Engines.Database;

/// <summary>A real database as <c>DatabaseContract</c> uses it.</summary>
public interface IDatabaseServer : IAsyncDisposable
{
    /// <summary>Where it listens on the loopback address.</summary>
    int Port { get; }

    /// <summary>The fields of a configuration for it, open to all roles, that goes to another port.</summary>
    object ConfigurationAt(int port);

    /// <summary>The creation_statements of users that may log in.</summary>
    string Creation { get; }

    /// <summary>The creation_statements that fail, as late as may be.</summary>
    string FailingCreation { get; }

    /// <summary>Whether that user can log in.</summary>
    Task<bool> LetsInAsync(string username, string password);

    /// <summary>The names of all users.</summary>
    Task<string[]> AllUsersAsync();

    /// <summary>Makes a user that may log in, as an administrator does.</summary>
    Task AddUserAsync(string username, string password);

    /// <summary>SIGKILL.</summary>
    Task KillAsync();

    /// <summary>Starts it again on its data.</summary>
    Task RunAsync();
}
