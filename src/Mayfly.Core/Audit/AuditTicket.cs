using System.Collections.Concurrent;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Audit;

/// <summary>
/// One request on its way through the audit. Ends with exactly one <see cref="RecordResponseAsync"/>; nothing may be done with
/// it afterwards. The default value belongs to a server without devices: it records nothing, and refuses nothing.
/// </summary>
internal readonly struct AuditTicket
{
    private readonly AuditRecord? _record;

    internal AuditTicket(AuditRecord record) => _record = record;

    /// <summary>
    /// Hands the request's entry to the devices, and ends when one of them has passed it to the operating system. Required
    /// before anything with effects; a read without effects leaves it out, and both entries are handed over together.
    /// </summary>
    /// <returns>Null, or why the request must be refused.</returns>
    public ValueTask<Fault?> RecordRequestAsync() => _record?.RecordRequestAsync() ?? default;

    /// <summary>Hands over the response's entry (and the request's, if that is still to do). The reply may leave when it ends.</summary>
    /// <returns>Null, or why the reply must be withheld.</returns>
    public ValueTask<Fault?> RecordResponseAsync(in Outcome outcome) =>
        _record is null
            ? default
            : _record.RecordResponseAsync(
                outcome.Response ?? outcome.Fault?.Body,
                outcome.Fault is { } fault ? ErrorOf(fault) : null
            );

    /// <summary>Hands over the response's entry of a request that ended with an exception.</summary>
    public ValueTask<Fault?> RecordFailureAsync(string error) => _record?.RecordResponseAsync(null, error) ?? default;

    internal static string ErrorOf(Fault fault) =>
        fault.Messages.Count switch
        {
            0 => fault.Kind == FaultKind.NotFound ? "not found" : fault.Kind.ToString(),
            1 => fault.Messages[0],
            _ => string.Join("; ", fault.Messages),
        };
}

/// <summary>What stands behind a ticket: the entries, laid out for each device. Pooled.</summary>
internal sealed class AuditRecord
{
    private const int PoolLimit = 1_024;

    private readonly AuditDeviceSet _devices;
    private readonly EntryFormat[] _formats;
    private AuditSubject _subject;
    private bool _requestRecorded;

    private AuditRecord(AuditDeviceSet devices)
    {
        _devices = devices;
        _formats = [.. devices.Devices.Select(device => new EntryFormat(device))];
    }

    public static AuditRecord Rent(AuditDeviceSet devices, in AuditSubject subject, string? error)
    {
        if (!devices.Pool.TryDequeue(out var record))
        {
            record = new AuditRecord(devices);
        }

        record._subject = subject;
        record._requestRecorded = false;
        var now = devices.Time.GetUtcNow();
        foreach (var format in record._formats)
        {
            format.Request(subject, now, error);
        }

        return record;
    }

    public ValueTask<Fault?> RecordRequestAsync()
    {
        _requestRecorded = true;
        var wait = AuditWait.Rent(_devices.Durable, _devices.Others, _devices.IsOff);
        var task = wait.Task;
        foreach (var format in _formats)
        {
            format.Device.Enqueue(format.RequestLine, [], wait);
        }

        return task;
    }

    public ValueTask<Fault?> RecordResponseAsync(Response? response, string? error)
    {
        var now = _devices.Time.GetUtcNow();
        var wait = AuditWait.Rent(_devices.Durable, _devices.Others, _devices.IsOff);
        var task = wait.Task;
        foreach (var format in _formats)
        {
            format.Response(_subject, now, response, error);
            format.Device.Enqueue(_requestRecorded ? [] : format.RequestLine, format.ResponseLine, wait);
            format.Clear();
        }

        _subject = default;
        if (_devices.Pool.Count < PoolLimit)
        {
            _devices.Pool.Enqueue(this);
        }

        return task;
    }
}

/// <summary>The devices that are enabled. Immutable but for its pool; swapped whole when one is added or removed.</summary>
/// <param name="devices">They are.</param>
/// <param name="time">Of the entries.</param>
/// <param name="isOff">Whether the audit has been turned off since, so that these need not record anything.</param>
internal sealed class AuditDeviceSet(IReadOnlyList<AuditDevice> devices, TimeProvider time, Func<bool> isOff)
{
    public IReadOnlyList<AuditDevice> Devices { get; } = devices;

    public TimeProvider Time { get; } = time;

    public Func<bool> IsOff { get; } = isOff;

    public int Durable { get; } = devices.Count(device => device.Durable);

    public int Others { get; } = devices.Count(device => !device.Durable);

    /// <summary>Records laid out for exactly these devices.</summary>
    public ConcurrentQueue<AuditRecord> Pool { get; } = new();
}
