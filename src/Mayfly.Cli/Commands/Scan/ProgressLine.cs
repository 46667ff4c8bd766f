using System.Globalization;
using Mayfly.Scanner.Sources;

namespace Mayfly.Cli.Commands.Scan;

/// <summary>
/// One line on a terminal that says how far a scan is, written anew a few times each second once it takes longer than a moment, and
/// taken away at the end. Nothing where standard error is no terminal.
/// </summary>
internal sealed class ProgressLine : IDisposable
{
    private const string Clear = "\r\e[K";

    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly Session _session;
    private readonly ScanProgress _progress;
    private readonly Lock _lock = new();
    private readonly long _started;
    private readonly ITimer? _timer;
    private bool _isShown;
    private bool _isOver;

    public ProgressLine(Session session, ScanProgress progress, bool isWanted)
    {
        _session = session;
        _progress = progress;
        _started = TimeProvider.System.GetTimestamp();
        if (isWanted && session.ErrorIsTerminal && session.Environment("TERM") is not (null or "dumb"))
        {
            _timer = TimeProvider.System.CreateTimer(_ => Show(), null, First, Pause);
        }
    }

    public void Dispose()
    {
        _timer?.Dispose();
        lock (_lock)
        {
            _isOver = true;
            if (_isShown)
            {
                _session.Error.Write(Clear);
            }
        }
    }

    /// <summary>How far it is: <c>1,204 files, 83.1 MB, 41.5 MB/s, 2 found</c>.</summary>
    internal static string Text(ScanProgress progress, TimeSpan took)
    {
        var megabytes = progress.Bytes / 1e6;
        var rate = megabytes / Math.Max(took.TotalSeconds, 0.001);
        var what = progress.Commits > 0 ? $"{Count(progress.Commits)} commits" : $"{Count(progress.Files)} files";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{what}, {megabytes:0.0} MB, {rate:0.0} MB/s, {Count(progress.Findings)} found"
        );
    }

    private static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private void Show()
    {
        lock (_lock)
        {
            if (!_isOver)
            {
                _isShown = true;
                _session.Error.Write(Clear + Text(_progress, TimeProvider.System.GetElapsedTime(_started)));
            }
        }
    }
}
