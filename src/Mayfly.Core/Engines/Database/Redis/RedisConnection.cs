using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Mayfly.Core.Engines.Database.Redis;

/// <summary>One connection that speaks RESP2: a command at a time. Not safe for concurrent use.</summary>
internal sealed class RedisConnection : IAsyncDisposable
{
    /// <summary>No reply that is asked for is longer; a list of ten thousand clients has some 3 MB.</summary>
    private const int MaxReply = 64 * 1024 * 1024;

    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ReplyLimit = TimeSpan.FromSeconds(30);

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly byte[] _buffer = new byte[4096];
    private int _read;
    private int _filled;

    private RedisConnection(Socket socket, Stream stream)
    {
        _socket = socket;
        _stream = stream;
    }

    /// <summary>Redis's number of it, once it has been asked for.</summary>
    public int Session { get; set; }

    /// <summary>Connects, without logging in.</summary>
    /// <exception cref="IOException">It cannot be reached.</exception>
    public static async ValueTask<RedisConnection> OpenAsync(
        RedisAddress address,
        X509Certificate2Collection? roots,
        bool insecure,
        CancellationToken cancellation
    )
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(ConnectLimit);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address.Host, address.Port, limit.Token);
            Stream stream = new NetworkStream(socket);
            if (address.Tls)
            {
                stream = await SecureAsync(stream, address.Host, roots, insecure, limit.Token);
            }

            return new RedisConnection(socket, stream);
        }
        catch (Exception e)
        {
            socket.Dispose();
            throw e switch
            {
                OperationCanceledException when !cancellation.IsCancellationRequested => new IOException(
                    "it did not answer in time",
                    e
                ),
                SocketException or System.Security.Authentication.AuthenticationException => new IOException(
                    e.Message,
                    e
                ),
                _ => e,
            };
        }
    }

    /// <summary>Sends one command and waits for its reply.</summary>
    /// <exception cref="RedisException">Redis refuses the command.</exception>
    /// <exception cref="IOException">The connection is gone.</exception>
    public async ValueTask<string> CommandAsync(IReadOnlyList<string> words, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(ReplyLimit);
        try
        {
            using var command = new MemoryStream();
            command.Write(Encoding.ASCII.GetBytes($"*{words.Count}\r\n"));
            foreach (var word in words)
            {
                var bytes = Encoding.UTF8.GetBytes(word);
                command.Write(Encoding.ASCII.GetBytes($"${bytes.Length}\r\n"));
                command.Write(bytes);
                command.Write("\r\n"u8);
            }

            await _stream.WriteAsync(command.GetBuffer().AsMemory(0, (int)command.Length), limit.Token);
            return await ReplyAsync(limit.Token);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException("it did not answer in time", e);
        }
        catch (SocketException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _socket.Dispose();
    }

    private static async ValueTask<Stream> SecureAsync(
        Stream stream,
        string host,
        X509Certificate2Collection? roots,
        bool insecure,
        CancellationToken cancellation
    )
    {
        var options = new SslClientAuthenticationOptions { TargetHost = host };
        if (insecure)
        {
#pragma warning disable CA5359 // The operator asked for it, by a field that is called insecure.
            options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (roots is not null)
        {
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(roots);
        }

        var secure = new SslStream(stream);
        await secure.AuthenticateAsClientAsync(options, cancellation);
        return secure;
    }

    private async ValueTask<string> ReplyAsync(CancellationToken cancellation)
    {
        var line = await LineAsync(cancellation);
        if (line.Length == 0)
        {
            throw new IOException("the answer is not of Redis's protocol");
        }

        var rest = line[1..];
        switch (line[0])
        {
            case '+' or ':':
                return rest;
            case '-':
                throw new RedisException(rest);
            case '$'
            or '*' when int.TryParse(rest, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var size):
                return size < 0 ? ""
                    : line[0] == '$' ? await BulkAsync(size, cancellation)
                    : await ListAsync(size, cancellation);
            default:
                throw new IOException("the answer is not of Redis's protocol");
        }
    }

    /// <summary>Items of a list, each in a line of its own.</summary>
    private async ValueTask<string> ListAsync(int count, CancellationToken cancellation)
    {
        var items = new StringBuilder();
        for (var i = 0; i < count; i++)
        {
            items.Append(await ReplyAsync(cancellation)).Append('\n');
            if (items.Length > MaxReply)
            {
                throw new IOException("the answer is too long");
            }
        }

        return items.ToString();
    }

    private async ValueTask<string> BulkAsync(int size, CancellationToken cancellation)
    {
        if (size > MaxReply)
        {
            throw new IOException("the answer is too long");
        }

        var bytes = new byte[size + 2];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = await ByteAsync(cancellation);
        }

        return Encoding.UTF8.GetString(bytes, 0, size);
    }

    private async ValueTask<string> LineAsync(CancellationToken cancellation)
    {
        const int MaxLine = 65_536;
        var line = new StringBuilder();
        while (true)
        {
            var next = await ByteAsync(cancellation);
            if (next == '\n')
            {
                return line.ToString().TrimEnd('\r');
            }

            line.Append((char)next);
            if (line.Length > MaxLine)
            {
                throw new IOException("the answer is too long");
            }
        }
    }

    private async ValueTask<byte> ByteAsync(CancellationToken cancellation)
    {
        if (_read == _filled)
        {
            _filled = await _stream.ReadAsync(_buffer, cancellation);
            _read = 0;
            if (_filled == 0)
            {
                throw new IOException("the connection was closed");
            }
        }

        return _buffer[_read++];
    }
}

/// <summary>Redis refused a command; the message is its own.</summary>
internal sealed class RedisException(string message) : Exception(message);
