using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Audit;

/// <summary>
/// Whether a device takes entries, since when not, and what it has lost; tells the operator. Guarded by its device's lock.
/// </summary>
/// <param name="path">The device's, for the log and the metrics.</param>
/// <param name="context">What the server gives.</param>
internal sealed class DeviceHealth(string path, AuditContext context)
{
    private static readonly TimeSpan RemarkPeriod = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);

    private string? _failure;
    private DateTimeOffset _failedSince;
    private DateTimeOffset _lastRemark;
    private string? _remark;
    private long _lostTotal;
    private TimeSpan _pause = FirstRetry;

    public bool Works => _failure is null;

    /// <summary>Entries that no checkpoint tells of yet.</summary>
    public long Lost { get; private set; }

    /// <summary>For <c>sys/audit</c>.</summary>
    /// <param name="remark">What the writer has to say, which comes first.</param>
    public AuditStatus Status(string? remark) => new(Works, _failure, _failedSince, _lostTotal, remark ?? _remark);

    /// <summary>It has failed, for the first time or again.</summary>
    /// <returns>When to try again.</returns>
    public TimeSpan Fail(string reason)
    {
        if (Works)
        {
            _failedSince = context.Time.GetUtcNow();
            context.Log.LogError("audit device {Path} has failed: {Reason}", path, reason);
            AuditMetrics.Failures.Add(1, new KeyValuePair<string, object?>("device", path));
        }

        _failure = reason;
        var pause = _pause;
        _pause = _pause * 2 < LongestRetry ? _pause * 2 : LongestRetry;
        return pause;
    }

    /// <summary>A group has been written, with a checkpoint that tells of <paramref name="told"/> lost entries.</summary>
    public void Recover(long told)
    {
        Lost -= told;
        _pause = FirstRetry;
        if (Works)
        {
            return;
        }

        _failure = null;
        context.Log.LogInformation("audit device {Path} works again; {Lost} entries are not in it", path, told);
    }

    /// <summary>So many entries will never be in it.</summary>
    public void Lose(int entries)
    {
        if (entries == 0)
        {
            return;
        }

        Lost += entries;
        _lostTotal += entries;
        AuditMetrics.Lost.Add(entries, new KeyValuePair<string, object?>("device", path));
    }

    /// <summary>Entries are lost although it works: it is too slow, or they are too large. Told once a minute.</summary>
    public void RemarkOverflow()
    {
        var now = context.Time.GetUtcNow();
        if ((now - _lastRemark).Duration() < RemarkPeriod)
        {
            return;
        }

        _lastRemark = now;
        _remark = $"it was too slow, or an entry too large for it, at {now:O}";
        context.Log.LogError(
            "audit device {Path} is too slow, or an entry is too large for it: entries are lost",
            path
        );
    }
}
