using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Scanner.Honeytokens;

namespace Mayfly.Cli.Commands.Honeytoken;

/// <summary>Makes a decoy, prints it, and records its fingerprints.</summary>
internal sealed class HoneytokenCreateCommand() : Command("create", "Make a decoy and record its fingerprints")
{
    private readonly TextFlag _path = HoneytokenPath.Flag();
    private readonly TextFlag _note = new("note", "Where it will lie, for whoever is told of it later.");

    private readonly TextFlag _host = new(
        "host",
        "Host in a database's address: one of yours that tells you who calls it."
    );

    public override string Usage => "[options] " + string.Join('|', DecoyMaker.Kinds);

    public override string Details =>
        """
            Prints what looks like a credential and opens nothing: an AWS key pair, the address of a database, a JWT, an
            SSH key, or a .env file with several. "mayfly scan" reports it as a decoy, never as a leak, wherever it finds
            it. The decoy is not kept, only fingerprints are: lay out what is printed.
            $ mayfly honeytoken create -note="old wiki, page Deploy" aws
            $ mayfly honeytoken create env > .env.backup
            """;

    public override IReadOnlyList<Flag> Flags => [_path, _note, _host];

    public override bool UsesServer => false;

    public override int Fewest => 1;

    public override Task<int> RunAsync(Invocation call) => Task.FromResult(Run(call));

    private int Run(Invocation call)
    {
        var kind = call.Arguments[0];
        if (!DecoyMaker.Kinds.Contains(kind))
        {
            return call.Wrong($"There is no honeytoken \"{kind}\": choose {string.Join(", ", DecoyMaker.Kinds)}.");
        }

        if (_host.Value is { } host && Uri.CheckHostName(host) == UriHostNameType.Unknown)
        {
            return call.Wrong("-host must be the name or address of a host.");
        }

        if (HoneytokenPath.Of(_path, call.Session) is not { } path)
        {
            return call.Wrong("HOME is not set: name the file with -honeytokens-path.");
        }

        path = Path.GetFullPath(path);
        var time = TimeProvider.System;
        var decoy = new DecoyMaker(time).Make(kind, _host.Value);
        var record = Record(path, decoy, _note.Value ?? "", time.GetUtcNow());
        // Recorded before it is shown: nothing is laid out that a scan does not know.
        call.Session.Error.Write($"recorded as {record.Id} in {path}\n");
        call.Session.Out.Write(decoy.Text);
        return Exit.Ok;
    }

    // One writer at a time; a reader sees the old file or the new one.
    private static HoneytokenRecord Record(string path, Decoy decoy, string note, DateTimeOffset now)
    {
        FileStream gate;
        try
        {
            gate = new FileStream(path + ".lock", Private(FileMode.OpenOrCreate, FileShare.None));
        }
        catch (IOException failure) when (File.Exists(path + ".lock"))
        {
            throw new IOException($"{path} is being written by another mayfly; try again", failure);
        }

        using (gate)
        {
            var file = HoneytokenFile.New();
            if (File.Exists(path))
            {
                var (known, problem) = HoneytokenFile.Read(File.ReadAllBytes(path));
                file = known ?? throw new IOException($"{path}: {problem}");
            }

            var (next, record) = file.With(decoy, note, now);
            var temporary = $"{path}.{Environment.ProcessId}";
            try
            {
                using (var stream = new FileStream(temporary, Private(FileMode.CreateNew, FileShare.Read)))
                {
                    stream.Write(next.Write().Span);
                }

                File.Move(temporary, path, overwrite: true);
            }
            finally
            {
                File.Delete(temporary);
            }

            return record;
        }
    }

    private static FileStreamOptions Private(FileMode mode, FileShare share)
    {
        var options = new FileStreamOptions
        {
            Mode = mode,
            Access = FileAccess.Write,
            Share = share,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return options;
    }
}
