#pragma warning disable CA1416 // The agent runs on Linux.
using System.Diagnostics;
using Mayfly.Agent.Files;

namespace Mayfly.Tests.Agent;

/// <summary>Where somebody else may write, too: what that user has put there leads no secret anywhere.</summary>
public sealed class AtomicFileTests
{
    private const string Somebody = AgentFolder.Somebody;
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Everybody = Private | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    [Fact]
    public void A_link_of_ones_own_stays_and_what_it_leads_to_is_replaced()
    {
        using var folder = new AgentFolder();
        folder.Write("real", "old");
        File.CreateSymbolicLink(folder.At("second"), "real");
        File.CreateSymbolicLink(folder.At("first"), folder.At("second"));

        AtomicFile.Write(folder.At("first"), "new"u8, mode: null, "", "");

        Assert.Equal("new", folder.Read("real"));
        Assert.Equal("new"u8.ToArray(), AtomicFile.Read(folder.At("first")));
        Assert.Equal("real", new FileInfo(folder.At("second")).LinkTarget);
    }

    [Fact]
    public void What_a_writer_that_was_killed_has_left_is_removed_and_what_another_is_at_work_on_stays()
    {
        using var folder = new AgentFolder();
        var old = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        string[] files =
        [
            folder.Write(".app.conf.0123456789abcdef.tmp", "secret"),
            folder.Write(".app.conf.0123456789abcdee.tmp", "at work"),
            folder.Write(".app.conf.0123456789abcde.tmp", "another's"),
            folder.Write(".other.conf.0123456789abcdef.tmp", "another's"),
        ];
        foreach (var file in files)
        {
            File.SetLastWriteTimeUtc(file, old);
        }

        using (new FileStream(files[1], FileMode.Open, FileAccess.Write, FileShare.None))
        {
            File.SetLastWriteTimeUtc(files[1], old);
            AtomicFile.Write(folder.At("app.conf"), "new"u8, mode: null, "", "");
        }

        Assert.Equal(
            [folder.At("app.conf"), .. files.Skip(1).Order(StringComparer.Ordinal)],
            Directory
                .GetFiles(folder.Path)
                .OrderBy(
                    file => file.EndsWith("app.conf", StringComparison.Ordinal) ? "" : file,
                    StringComparer.Ordinal
                )
        );
        AtomicFile.Write(folder.At("app.conf"), "newer"u8, mode: null, "", "");
        Assert.False(File.Exists(files[1]));
    }

    [Fact]
    public void A_link_of_another_user_is_replaced_and_not_followed()
    {
        using var folder = new AgentFolder();
        folder.Write("passwd", "root:x:0:0");
        File.CreateSymbolicLink(folder.At("app.conf"), folder.At("passwd"));
        if (!AgentFolder.TryGive(folder.At("app.conf")))
        {
            return;
        }

        Assert.Null(AtomicFile.Read(folder.At("app.conf")));
        AtomicFile.Write(folder.At("app.conf"), "secret"u8, mode: null, "", "");

        Assert.Equal("root:x:0:0", folder.Read("passwd"));
        Assert.Equal("secret", folder.Read("app.conf"));
        Assert.Null(new FileInfo(folder.At("app.conf")).LinkTarget);
        Assert.Equal(Private, File.GetUnixFileMode(folder.At("app.conf")));
    }

    [Theory]
    [InlineData("", Private)]
    [InlineData("65533", Private)]
    [InlineData(Somebody, Everybody)]
    public void What_a_file_permits_is_kept_only_when_it_is_the_agents_or_its_owners(
        string owner,
        UnixFileMode expected
    )
    {
        using var folder = new AgentFolder();
        var path = folder.Write("app.conf", "");
        File.SetUnixFileMode(path, Everybody);
        if (!AgentFolder.TryGive(path))
        {
            return;
        }

        AtomicFile.Write(path, "secret"u8, mode: null, owner, "");

        Assert.Equal(expected, File.GetUnixFileMode(path));
    }

    [Fact]
    public void What_the_agents_own_file_permits_is_kept()
    {
        using var folder = new AgentFolder();
        var path = folder.Write("app.conf", "");
        File.SetUnixFileMode(path, Everybody);

        AtomicFile.Write(path, "secret"u8, mode: null, "", "");

        Assert.Equal(Everybody, File.GetUnixFileMode(path));
    }

    [Fact]
    public void A_pipe_in_the_way_is_not_waited_for()
    {
        using var folder = new AgentFolder();
        Assert.Equal(0, Run("mkfifo", folder.At("app.conf")));

        Assert.Null(AtomicFile.Read(folder.At("app.conf")));
        AtomicFile.Write(folder.At("app.conf"), "secret"u8, mode: null, "", "");

        Assert.Equal("secret", folder.Read("app.conf"));
    }

    private static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
