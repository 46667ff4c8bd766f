using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mayfly.Tests.Engines.Database;

/// <summary>
/// A road to a server that can lose a connection as a network does: the client is cut off, and what it had sent arrives much
/// later.
/// </summary>
internal sealed class LateRoad : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _delivery = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _delivered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentBag<TcpClient> _clients = [];
    private readonly int _target;
    private readonly Task _accepting;
    private volatile byte[]? _trigger;
    private volatile bool _isClosed;

    public LateRoad(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>How many connections there have been.</summary>
    public int Connections => _clients.Count;

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>When this text is sent next it is held back, all connections are cut off, and none gets through until it is mended.</summary>
    public void CutAt(string text) => _trigger = Encoding.UTF8.GetBytes(text);

    /// <summary>New connections get through again.</summary>
    public void Mend()
    {
        Assert.True(_isClosed, "nothing was cut off");
        _isClosed = false;
    }

    /// <summary>What was held back arrives; waits until the server has dealt with it.</summary>
    public Task DeliverAsync()
    {
        _delivery.SetResult();
        return _delivered.Task.WaitAsync(TimeSpan.FromSeconds(60));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var client = await _listener.AcceptTcpClientAsync(_stop.Token);
            if (_isClosed)
            {
                client.Dispose();
                continue;
            }

            _ = CarryAsync(client);
        }
    }

    private async Task CarryAsync(TcpClient client)
    {
        using var server = new TcpClient();
        _clients.Add(client);
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
            var back = BackAsync(server.GetStream(), client.GetStream());
            if (await ForthAsync(client.GetStream(), server.GetStream()) is not { } held)
            {
                return;
            }

            _isClosed = true;
            foreach (var other in _clients)
            {
                other.Dispose();
            }

            await _delivery.Task.WaitAsync(_stop.Token);
            await server.GetStream().WriteAsync(held, _stop.Token);
            await back;
        }
        catch (Exception e)
            when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One of both has ended.
        }
        finally
        {
            client.Dispose();
            if (_delivery.Task.IsCompleted)
            {
                _delivered.TrySetResult();
            }
        }
    }

    /// <summary>Carries what the server answers, until it answers what was held back.</summary>
    private async Task BackAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[65_536];
        while (true)
        {
            var read = await from.ReadAsync(buffer, _stop.Token);
            if (read == 0 || _delivery.Task.IsCompleted)
            {
                return;
            }

            await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
        }
    }

    /// <summary>Carries what the client sends; the part with the trigger is given back instead, null when the client has ended.</summary>
    private async Task<byte[]?> ForthAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[65_536];
        while (true)
        {
            var read = await from.ReadAsync(buffer, _stop.Token);
            if (read == 0)
            {
                return null;
            }

            if (_trigger is { } trigger && buffer.AsSpan(0, read).IndexOf(trigger) >= 0)
            {
                _trigger = null;
                return buffer[..read];
            }

            await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
        }
    }
}
