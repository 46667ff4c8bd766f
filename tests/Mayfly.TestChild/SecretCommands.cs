using System.Globalization;
using Mayfly.Client;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.TestChild;

/// <summary>Programs that use live secrets.</summary>
internal static class SecretCommands
{
    /// <summary>Large enough for a write of it to be met by a kill.</summary>
    public const int Length = 128 * 1024;

    /// <summary>Reads ever new values until it is killed, each of one letter, and keeps each on disk; a line for each.</summary>
    public static async Task<int> KeepAsync(string folder, string key, string name)
    {
        var source = new MockSecretSource();
        await using var secrets = new LiveSecrets(
            source,
            new LiveSecretsOptions
            {
                Watch = false,
                LeastInterval = TimeSpan.Zero,
                LastKnownGood = new LastKnownGoodFolder(folder, Convert.FromHexString(key)),
            }
        );
        for (var i = 0; ; i++)
        {
            source.Set(name, new string((char)('a' + (i % 26)), Length));
            await secrets.Get(name).RefreshAsync();
            Console.WriteLine(i.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Tells value and state of a secret of a server whenever they change, until it is killed.</summary>
    public static async Task<int> FollowAsync(string address, string token, string name)
    {
        using var client = new MayflyClient(
            new MayflyClientOptions
            {
                Address = address,
                Token = token,
                Timeout = TimeSpan.FromSeconds(2),
                MaxRetries = 0,
            }
        );
        await using var secrets = new LiveSecrets(
            new MayflySecretSource(client),
            new LiveSecretsOptions
            {
                Ttl = TimeSpan.FromSeconds(2),
                MaxStale = TimeSpan.FromMinutes(10),
                LongestBackOff = TimeSpan.FromSeconds(1),
            }
        );
        var secret = secrets.Get(name);
        await secret.GetAsync();
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var last = ""; await ticks.WaitForNextTickAsync(); )
        {
            var now = $"{(secret.TryGetCurrent(out var value) ? value["v"] : "nothing")} {secret.State}";
            if (now != last)
            {
                Console.WriteLine(last = now);
            }
        }

        return 0;
    }
}
