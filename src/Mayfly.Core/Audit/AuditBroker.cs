using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Crypto;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Audit;

/// <summary>
/// The audit of an unsealed server: its devices, from the store. Without an enabled device requests pass, as in Vault; with
/// some, at least one must record a request. Safe for concurrent use.
/// </summary>
internal sealed class AuditBroker : IAsyncDisposable
{
    private static readonly TimeSpan TickPeriod = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan PersistPeriod = TimeSpan.FromSeconds(5);

    private const string HeadersPath = "request-headers";

    private readonly View _view;
    private readonly AuditContext _context;
    private readonly SemaphoreSlim _changes = new(1);
    private readonly Dictionary<string, ChainPosition> _persisted = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private ITimer? _ticker;
    private Task _persisting = Task.CompletedTask;
    private DateTimeOffset _lastPersisted;
    private volatile AuditDeviceSet _devices;

    private AuditBroker(View view, AuditContext context)
    {
        _view = view;
        _context = context;
        _devices = NewSet([]);
    }

    /// <summary>Whether any device is enabled, working or not.</summary>
    public bool Enabled => _devices.Devices.Count > 0;

    public IReadOnlyList<AuditDevice> Devices => _devices.Devices;

    public AuditHeaders Headers => _context.Headers;

    public AuditSigningKey SigningKey => _context.SigningKey;

    /// <summary>Starts the devices that the store knows. One that does not work is reported, and does not stop the others.</summary>
    /// <param name="view">The audit's own folder.</param>
    /// <param name="deriveKey">From the keyring: a key per purpose that never changes.</param>
    /// <param name="time">All time comes from here.</param>
    /// <param name="log">For the operator.</param>
    /// <param name="cancellation">Gives up starting.</param>
    public static async ValueTask<AuditBroker> StartAsync(
        View view,
        Func<string, SecretBytes> deriveKey,
        TimeProvider time,
        ILogger log,
        CancellationToken cancellation
    )
    {
        var key = await AuditSigningKey.OpenAsync(view, cancellation);
        var broker = new AuditBroker(view, new AuditContext(time, log, new AuditHeaders(), key, deriveKey));
        await broker.LoadAsync(cancellation);
        broker._ticker = time.CreateTimer(_ => broker.Tick(), null, TickPeriod, TickPeriod);
        return broker;
    }

    /// <summary>
    /// Lays out the entry of a request, before the engine acts. Every request ends up here, denied ones too: with
    /// <paramref name="error"/>, which is then also in the outcome that the ticket is ended with.
    /// </summary>
    public AuditTicket Begin(in AuditSubject subject, string? error = null)
    {
        var devices = _devices;
        return devices.Devices.Count == 0 ? default : new AuditTicket(AuditRecord.Rent(devices, subject, error));
    }

    /// <summary>Follows log rotation: for SIGHUP.</summary>
    public Task ReopenAsync() => Task.WhenAll(_devices.Devices.Select(device => device.ReopenAsync()));

    /// <summary>Enables a device after a test entry has gone through it.</summary>
    public async ValueTask<Fault?> EnableAsync(AuditDeviceRecord record, CancellationToken cancellation)
    {
        await _changes.WaitAsync(cancellation);
        try
        {
            if (Find(record.Path) is not null)
            {
                return Fault.Invalid($"path already in use: there is an audit device at {record.Path}");
            }

            var (settings, fault) = AuditSettings.Parse(record.Type, record.Options);
            if (settings is null)
            {
                return fault;
            }

            if (settings.FilePath.Length > 0 && Devices.Any(device => device.Settings.FilePath == settings.FilePath))
            {
                return Fault.Invalid($"another audit device writes to {settings.FilePath} already");
            }

            var device = NewDevice(record, settings, known: null);
            if (await device.TestAsync() is { } reason)
            {
                await device.DisposeAsync();
                return Fault.Invalid($"the audit device could not record a test entry: {reason}");
            }

            var bytes = JsonSerializer.SerializeToUtf8Bytes(record, AuditJson.Default.AuditDeviceRecord);
            var result = await _view.PutAsync(DevicePath(record.Uuid), bytes, cancellation);
            if (!result.Succeeded)
            {
                await device.DisposeAsync();
                return Fault.From(result);
            }

            _devices = NewSet([.. Devices, device]);
            return null;
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>Disables a device; there being none is fine.</summary>
    public async ValueTask<Fault?> DisableAsync(string path, CancellationToken cancellation)
    {
        await _changes.WaitAsync(cancellation);
        try
        {
            if (Find(path) is not { } device)
            {
                return null;
            }

            var batch = new Batch();
            _view.Delete(batch, DevicePath(device.Record.Uuid));
            _view.Delete(batch, PositionPath(device.Record.Uuid));
            var result = await _view.CommitAsync(batch, cancellation);
            if (!result.Succeeded)
            {
                return Fault.From(result);
            }

            _devices = NewSet([.. Devices.Where(other => other != device)]);
            await device.DisposeAsync();
            return null;
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>Shows a header in entries (hashed or as it is), or, with null, no longer.</summary>
    public async ValueTask<Fault?> SetHeaderAsync(string name, bool? hashed, CancellationToken cancellation)
    {
        await _changes.WaitAsync(cancellation);
        try
        {
            var headers = new Dictionary<string, bool>(Headers.Recorded, StringComparer.Ordinal);
            if (hashed is { } value)
            {
                headers[name] = value;
            }
            else
            {
                headers.Remove(name);
            }

            var bytes = JsonSerializer.SerializeToUtf8Bytes(headers, AuditJson.Default.DictionaryStringBoolean);
            var result = await _view.PutAsync(HeadersPath, bytes, cancellation);
            if (!result.Succeeded)
            {
                return Fault.From(result);
            }

            Headers.Recorded = headers;
            return null;
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>The device at <paramref name="path"/> (ending with a slash), or null.</summary>
    public AuditDevice? Find(string path) => Devices.FirstOrDefault(device => device.Record.Path == path);

    /// <summary>Ends every log with a checkpoint, and remembers where it stands.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_ticker is not null)
        {
            await _ticker.DisposeAsync();
        }

        await _stop.CancelAsync();
        await _persisting;
        var devices = _devices.Devices;
        _devices = NewSet([]);
        await Task.WhenAll(devices.Select(device => device.DisposeAsync().AsTask()));
        using var limit = new CancellationTokenSource(PersistPeriod);
        await PersistAsync(devices, limit.Token);
        _context.SigningKey.Dispose();
        _changes.Dispose();
        _stop.Dispose();
    }

    private AuditDeviceSet NewSet(IReadOnlyList<AuditDevice> devices) => new(devices, _context.Time, IsOff);

    /// <summary>
    /// Whether nothing is to be recorded any more: the last device was disabled, perhaps by the very request whose reply
    /// waits. Not so when the server seals: then whatever is on its way must be recorded, or refused.
    /// </summary>
    private bool IsOff() => !Enabled && !_stop.IsCancellationRequested;

    private static string DevicePath(string uuid) => "devices/" + uuid;

    private static string PositionPath(string uuid) => "positions/" + uuid;

    private AuditDevice NewDevice(AuditDeviceRecord record, AuditSettings settings, ChainPosition? known) =>
        new(
            record,
            settings,
            record.Type switch
            {
                "file" => new FileSink(settings),
                "syslog" => new SyslogSink(settings, _context.Time),
                _ => new SocketSink(settings),
            },
            _context,
            known
        );

    private async ValueTask LoadAsync(CancellationToken cancellation)
    {
        using (var headers = await _view.GetAsync(HeadersPath, cancellation))
        {
            if (headers is not null)
            {
                Headers.Recorded = JsonSerializer.Deserialize(
                    headers.Value.Span,
                    AuditJson.Default.DictionaryStringBoolean
                )!;
            }
        }

        var devices = new List<AuditDevice>();
        foreach (var name in await _view.ListAsync("devices/", cancellation))
        {
            using var entry = await _view.GetAsync("devices/" + name, cancellation);
            if (entry is null)
            {
                continue;
            }

            var record = JsonSerializer.Deserialize(entry.Value.Span, AuditJson.Default.AuditDeviceRecord)!;
            var known = await KnownAsync(record.Uuid, cancellation);
            var (settings, fault) = AuditSettings.Parse(record.Type, record.Options);
            if (settings is null)
            {
                _context.Log.LogError("audit device {Path} cannot start: {Reason}", record.Path, fault!.Messages[0]);
                continue;
            }

            var device = NewDevice(record, settings, known);
            _ = device.ReopenAsync();
            devices.Add(device);
        }

        _devices = NewSet(devices);
    }

    private async ValueTask<ChainPosition?> KnownAsync(string uuid, CancellationToken cancellation)
    {
        using var entry = await _view.GetAsync(PositionPath(uuid), cancellation);
        return entry is null ? null : JsonSerializer.Deserialize(entry.Value.Span, AuditJson.Default.ChainPosition);
    }

    private void Tick()
    {
        var devices = _devices.Devices;
        foreach (var device in devices)
        {
            device.Tick();
        }

        var now = _context.Time.GetUtcNow();
        if (_persisting.IsCompleted && (now - _lastPersisted).Duration() >= PersistPeriod)
        {
            _lastPersisted = now;
            _persisting = PersistAsync(devices, _stop.Token);
        }
    }

    private async Task PersistAsync(IReadOnlyList<AuditDevice> devices, CancellationToken cancellation)
    {
        try
        {
            var batch = new Batch();
            var positions = new List<(string Uuid, ChainPosition Position)>();
            foreach (var device in devices)
            {
                var position = device.Position;
                if (position != _persisted.GetValueOrDefault(device.Record.Uuid, ChainPosition.None))
                {
                    var bytes = JsonSerializer.SerializeToUtf8Bytes(position, AuditJson.Default.ChainPosition);
                    _view.Put(batch, PositionPath(device.Record.Uuid), bytes);
                    positions.Add((device.Record.Uuid, position));
                }
            }

            if (batch.IsEmpty || !(await _view.CommitAsync(batch, cancellation)).Succeeded)
            {
                return;
            }

            foreach (var (uuid, position) in positions)
            {
                _persisted[uuid] = position;
            }
        }
        catch (OperationCanceledException)
        {
            // The server is sealing; the last positions are stored when the devices have closed.
        }
    }
}
