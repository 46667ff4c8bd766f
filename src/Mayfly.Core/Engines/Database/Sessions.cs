using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Mayfly.Core.Engines.Database;

/// <summary>
/// The server's own sessions in one configured database: what they are called there, and which of them were lost while
/// something was under way. A removal waits until those have ended, and those that an earlier run of the server left
/// behind: otherwise a user could still be made after it was removed. Safe for concurrent use.
/// </summary>
internal sealed class Sessions
{
    private readonly ConcurrentDictionary<int, bool> _lost = new();
    private volatile bool _earlierEnded;

    /// <param name="mount">The mount's UUID.</param>
    /// <param name="configuration">The configuration's name.</param>
    public Sessions(string mount, string configuration)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{mount}/{configuration}"));
        Prefix = $"mayfly {Convert.ToHexStringLower(hash.AsSpan(0, 8))} ";
        Current = Prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
    }

    /// <summary>What the names of all of them begin with, after each start of the server.</summary>
    public string Prefix { get; }

    /// <summary>The name of those of this run.</summary>
    public string Current { get; }

    /// <summary>There are none left that could still do something unknown.</summary>
    public bool Settled => _earlierEnded && _lost.IsEmpty;

    /// <summary>The database's numbers of the sessions that were lost.</summary>
    public int[] Lost => [.. _lost.Keys];

    /// <summary>The connection broke before the database had said how a statement ended.</summary>
    public void Lose(int session) => _lost[session] = true;

    /// <summary>Those that were lost have ended, and so have all of earlier runs.</summary>
    public void Ended(int[] lost)
    {
        foreach (var session in lost)
        {
            _lost.TryRemove(session, out _);
        }

        _earlierEnded = true;
    }
}
