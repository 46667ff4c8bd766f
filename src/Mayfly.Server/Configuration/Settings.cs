using System.Net;
using Mayfly.Hosting.Listeners;
using Mayfly.Hosting.Logging;
using Mayfly.Server.Http;

namespace Mayfly.Server.Configuration;

/// <summary>Puts flags, environment and files together into what the server does.</summary>
internal static class Settings
{
    /// <summary>The configuration, or every problem that was found.</summary>
    public static (ServerConfiguration? Configuration, IReadOnlyList<string> Problems) From(CommandLine line)
    {
        if (!line.Dev && line.Configurations.Count == 0)
        {
            return (null, ["start with -dev, or with -config=FILE; see mayflyd -help"]);
        }

        var (configuration, found) = ConfigurationFiles.Read(line.Configurations);
        if (configuration is null)
        {
            return (null, found);
        }

        var problems = new List<string>();
        if (line.Dev)
        {
            configuration = Dev(configuration, line, problems);
        }

        if (LogSettings.ParseLevel(line.LogLevel) is { } level && line.LogLevel.Length > 0)
        {
            configuration = configuration with { LogLevel = level };
        }

        if (LogSettings.ParseFormat(line.LogFormat) is { } format && line.LogFormat.Length > 0)
        {
            configuration = configuration with { LogFormat = format };
        }

        if (configuration.Listeners.Count == 0)
        {
            problems.Add(
                "the configuration has no listener, such as listener \"tcp\" { address = \"127.0.0.1:8200\" … }"
            );
        }

        if (!line.Dev && configuration.Storage is null)
        {
            problems.Add("the configuration has no storage, such as storage \"file\" { path = \"/var/lib/mayfly\" }");
        }

        return problems.Count > 0 ? (null, problems) : (configuration, []);
    }

    private static ServerConfiguration Dev(ServerConfiguration configuration, CommandLine line, List<string> problems)
    {
        var address = line.ListenAddress ?? new IPEndPoint(IPAddress.Loopback, Addresses.DefaultPort);
        if (!IPAddress.IsLoopback(address.Address) && !line.AllowPlaintext)
        {
            problems.Add(
                $"{address} can be reached by others, and development mode has no TLS: add -dev-allow-plaintext to do it "
                    + "nevertheless, or use -config with a certificate"
            );
        }

        return configuration with
        {
            Listeners = [new Listener(new TcpAddress(address, Tls: null)), .. configuration.Listeners],
            Storage =
                line.Data.Length > 0
                    ? new StorageChoice(Path.GetFullPath(line.Data))
                    : configuration.Storage ?? new StorageChoice(),
            ClusterAddress = $"https://{address.Address}:{address.Port + 1}",
        };
    }
}
