using Mayfly.Agent.Configuration;
using Mayfly.Agent.Files;
using Mayfly.Agent.Processes;
using Mayfly.Agent.Templates;
using Mayfly.Agent.Templates.Values;
using Mayfly.Hosting.Files;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Rendering;

/// <summary>A file that is replaced whole when its content changes, and what is done after that.</summary>
internal sealed class FileTarget : ITarget
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TemplateStanza _stanza;
    private readonly Action<string>? _signalChild;
    private readonly ILogger _log;
    private IReadOnlyList<SideFile> _written = [];

    /// <summary>The file of <paramref name="stanza"/>. Warns when it would outlive a restart of the machine.</summary>
    /// <param name="stanza">Where and how.</param>
    /// <param name="signalChild">Signals the program of <c>exec</c>; null when there is none.</param>
    /// <param name="log">Where reasons go.</param>
    public FileTarget(TemplateStanza stanza, Action<string>? signalChild, ILogger log)
    {
        _stanza = stanza;
        _signalChild = signalChild;
        _log = log;
        if (!MemoryFolder.Contains(stanza.Destination))
        {
            log.LogWarning(
                "{Destination} is on a disk, where secrets outlive the machine's power; a tmpfs such as /run keeps them in memory",
                stanza.Destination
            );
        }
    }

    public string Name => _stanza.Destination;

    public string? Path => _stanza.Destination;

    public bool Take(byte[] output, IReadOnlyList<SideFile> files)
    {
        var isOther = TakeOutput(output);
        if (isOther || !AreSame(files, _written))
        {
            foreach (var file in files)
            {
                Write(file);
            }

            _written = files;
        }

        return isOther;
    }

    public async Task ActAsync(CancellationToken stop)
    {
        if (_stanza.Command is { } command)
        {
            await ChangeProgram.RunAsync(command, _log, stop);
        }

        if (_stanza.Signal is not { } signal)
        {
            return;
        }

        if (signal.PidFile is { } pidFile)
        {
            Signals.Send(pidFile, Signals.Number(signal.Name) ?? Signals.Terminate);
        }
        else
        {
            _signalChild?.Invoke(signal.Name);
        }
    }

    private bool TakeOutput(byte[] output)
    {
        var path = _stanza.Destination;
        var held = AtomicFile.Read(path);
        if (held is not null && held.AsSpan().SequenceCompareTo(output) == 0)
        {
            if (!IsAsAsked(path))
            {
                AtomicFile.Write(path, output, _stanza.Mode, _stanza.Owner, _stanza.Group);
            }

            return false;
        }

        if (_stanza.CreateFolders && System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)) is { } folder)
        {
            Directory.CreateDirectory(folder);
        }

        if (_stanza.Backup && held is not null)
        {
            AtomicFile.Write(path + ".bak", held, File.GetUnixFileMode(path), _stanza.Owner, _stanza.Group);
        }

        AtomicFile.Write(path, output, _stanza.Mode, _stanza.Owner, _stanza.Group);
        return true;
    }

    /// <summary>Whether permissions, owner and group are those of the stanza: it may have changed while the secret has not.</summary>
    private bool IsAsAsked(string path) =>
        FileStatus.Of(path, followsLinks: true) is { } file
        && (_stanza.Mode is not { } mode || file.Permissions == mode)
        && (_stanza.Owner.Length == 0 || FileOwner.Is(file.Owner, _stanza.Owner))
        && (_stanza.Group.Length == 0 || FileOwner.IsGroup(file.Group, _stanza.Group));

    private void Write(SideFile file)
    {
        var content = GoText.Encode(file.Content);
        var held = AtomicFile.Read(file.Path);
        if (file.IsAppended && held is not null)
        {
            content = [.. held, .. content];
        }

        if (held is not null && held.AsSpan().SequenceCompareTo(content) == 0)
        {
            return;
        }

        if (System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(file.Path)) is { } folder)
        {
            Directory.CreateDirectory(folder);
        }

        AtomicFile.Write(file.Path, content, Mode(file.Permissions), file.User, file.Group);
        _log.LogInformation("Wrote {Path} beside {Destination}", file.Path, Name);
    }

    private static UnixFileMode Mode(string text)
    {
        var digits = text.StartsWith("0o", StringComparison.Ordinal) ? text[2..] : text;
        var mode = 0;
        foreach (var digit in digits)
        {
            mode =
                digit is >= '0' and <= '7' && mode < 512
                    ? (mode * 8) + (digit - '0')
                    : throw new IOException($"the permissions {text} of writeToFile are no octal number");
        }

        return digits.Length == 0 ? Private : (UnixFileMode)(mode & 0xFFF);
    }

    /// <summary>They are written again only when one is another.</summary>
    private static bool AreSame(IReadOnlyList<SideFile> files, IReadOnlyList<SideFile> others) =>
        files.Count == others.Count && files.Zip(others).All(pair => pair.First == pair.Second);
}
