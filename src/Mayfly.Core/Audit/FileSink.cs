using Microsoft.Win32.SafeHandles;

namespace Mayfly.Core.Audit;

/// <summary>Appends to a file (or a pipe), follows it when it is rotated, and makes it again when somebody deleted it.</summary>
internal sealed class FileSink(AuditSettings settings) : AuditSink
{
    private const int PollMilliseconds = 50;

    /// <summary>Why a file is opened anew that somebody has made shorter.</summary>
    public const string CutOff = "cut off";

    private const string StandardOutput = "stdout";

    private SafeFileHandle? _handle;
    private FileIdentity _identity;
    private volatile bool _aborted;
    private long _size;
    private bool _wasOpen;

    public override bool Blocks =>
        settings.Fsync
        || settings.FilePath == StandardOutput
        || (Posix.Identify(settings.FilePath) is { } found && !found.IsRegular);

    private string HeadPath => settings.FilePath + ".head";

    public override Preparation Prepare(bool look)
    {
        _aborted = false;
        if (settings.FilePath == StandardOutput)
        {
            return PrepareStandardOutput();
        }

        if (_handle is null)
        {
            return Open();
        }

        // Before each group, since entries in a deleted file are lost. What was only renamed keeps them, so that it is noticed
        // at the next checkpoint is soon enough.
        var open = Posix.Identify(_handle);
        var links = open?.Links ?? 0;
        if (links > 0 && (!look || Posix.Identify(settings.FilePath)?.SameFile(_identity) == true))
        {
            // Nobody else writes to it, so it cannot have become shorter by itself.
            return _identity.IsRegular && open!.Value.Size < _size
                ? new Preparation(SinkState.Moved, CutOff)
                : Preparation.Ready;
        }

        return new Preparation(
            SinkState.Moved,
            Posix.Identify(settings.FilePath) is not null ? "replaced"
                : links == 0 ? "deleted"
                : "renamed"
        );
    }

    public override void LetGo()
    {
        if (_handle is not null && _identity.IsRegular)
        {
            Posix.Unlock(_handle);
        }

        _handle?.Dispose();
        _handle = null;
    }

    public override string? Write(SealedLines lines)
    {
        var handle = _handle!;
        while (true)
        {
            var end = Posix.Write(handle, lines.Bytes[lines.Done..], out var done, out var error);
            lines.Done += done;
            _size += done;
            switch (end)
            {
                case WriteEnd.Complete:
                    return settings.Fsync && _identity.IsRegular ? Posix.Sync(handle) : null;
                case WriteEnd.Failed:
                    if (!_identity.IsRegular)
                    {
                        LetGo();
                    }

                    return error;
                case WriteEnd.WouldBlock when _aborted:
                    return "nobody takes what is written";
                default:
                    Posix.WaitWritable(handle, PollMilliseconds);
                    break;
            }
        }
    }

    public override string? SaveHead(ReadOnlySpan<byte> checkpoint)
    {
        if (!_identity.IsRegular)
        {
            return null;
        }

        var temporary = HeadPath + ".new";
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                BufferSize = 0,
            };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = settings.Mode;
            }

            using (var file = new FileStream(temporary, options))
            {
                file.Write(checkpoint);
                if (settings.Fsync && Posix.Sync(file.SafeFileHandle) is { } error)
                {
                    return error;
                }
            }

            File.Move(temporary, HeadPath, overwrite: true);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    public override void Abort() => _aborted = true;

    public override void Dispose() => LetGo();

    private Preparation PrepareStandardOutput()
    {
        if (_handle is not null)
        {
            return Preparation.Ready;
        }

        _handle = new SafeFileHandle(1, ownsHandle: false);
        return new Preparation(SinkState.Empty);
    }

    private Preparation Open()
    {
        if (Posix.OpenAppend(settings.FilePath, settings.Mode, out var error) is not { } handle)
        {
            return Preparation.Failed(error!);
        }

        try
        {
            if (Posix.Identify(handle) is not { } identity)
            {
                handle.Dispose();
                return Preparation.Failed("the file cannot be examined");
            }

            if (!identity.IsRegular)
            {
                _handle = handle;
                _identity = identity;
                var state = _wasOpen ? SinkState.Reconnected : SinkState.Empty;
                _wasOpen = true;
                return new Preparation(state);
            }

            if (!Posix.TryLock(handle))
            {
                handle.Dispose();
                return Preparation.Failed("another process writes to the file");
            }

            if (!settings.KeepMode && !OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(handle, settings.Mode);
            }

            var tail = identity.Size == 0 ? null : FileTail.Read(settings.FilePath);
            _handle = handle;
            _identity = identity;
            _size = identity.Size;
            _wasOpen = true;
            return tail is null ? new Preparation(SinkState.Empty) : new Preparation(SinkState.Continued, "", tail);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            handle.Dispose();
            return Preparation.Failed(e.Message);
        }
    }
}
