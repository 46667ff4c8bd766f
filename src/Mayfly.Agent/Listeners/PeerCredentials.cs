using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Mayfly.Agent.Configuration;

namespace Mayfly.Agent.Listeners;

/// <summary>Whose process is at the other end of a unix socket, as the kernel says (SO_PEERCRED).</summary>
/// <param name="Process">Its number.</param>
/// <param name="User">The number of its user.</param>
/// <param name="Group">The number of its group.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PeerCredentials(int Process, uint User, uint Group)
{
    private const int SolSocket = 1;
    private const int SoPeerCredentials = 17;

    /// <exception cref="SocketException">It is no unix socket.</exception>
    public static PeerCredentials Of(Socket socket)
    {
        Span<byte> credentials = stackalloc byte[12];
        _ = socket.GetRawSocketOption(SolSocket, SoPeerCredentials, credentials);
        return new PeerCredentials(
            BinaryPrimitives.ReadInt32LittleEndian(credentials),
            BinaryPrimitives.ReadUInt32LittleEndian(credentials[4..]),
            BinaryPrimitives.ReadUInt32LittleEndian(credentials[8..])
        );
    }

    /// <summary>Whether the listener is for that process: its user, its group, or one of its further groups is named.</summary>
    public bool MayUse(ListenerStanza listener) =>
        (listener.AllowedUsers.Count == 0 && listener.AllowedGroups.Count == 0)
        || listener.AllowedUsers.Contains(User)
        || listener.AllowedGroups.Contains(Group)
        || (listener.AllowedGroups.Count > 0 && FurtherGroups().Any(listener.AllowedGroups.Contains));

    /// <summary>The kernel's socket credentials hold one group; the others stand in /proc as long as the process lives.</summary>
    private List<uint> FurtherGroups()
    {
        var groups = new List<uint>();
        try
        {
            foreach (var line in File.ReadLines($"/proc/{Process}/status"))
            {
                if (!line.StartsWith("Groups:", StringComparison.Ordinal))
                {
                    continue;
                }

                foreach (
                    var part in line[7..]
                        .Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                )
                {
                    if (uint.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var group))
                    {
                        groups.Add(group);
                    }
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is gone, or hidden: then only what the socket says counts.
        }

        return groups;
    }
}
