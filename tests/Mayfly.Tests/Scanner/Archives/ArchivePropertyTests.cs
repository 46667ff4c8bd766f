using FsCheck;
using FsCheck.Fluent;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;
using Mayfly.Scanner.Sources;

namespace Mayfly.Tests.Scanner.Archives;

public sealed class ArchivePropertyTests
{
    private static readonly SecretScanner Scanner = new(new RuleSet([], []));

    private static readonly byte[][] Whole =
    [
        ArchiveScanTests.Zip(("a.txt", "some text\n"), ("b/c.zip", ArchiveScanTests.Zip(("d", new string('x', 3000))))),
        ArchiveScanTests.Tar(
            ("a.txt", "some text\n"),
            (new string('n', 200), "x"),
            ("t.tar", ArchiveScanTests.Tar(("y", "z")))
        ),
        ArchiveScanTests.Gzip(ArchiveScanTests.Tar(("a.txt", "text"), ("z.zip", ArchiveScanTests.Zip(("d", "e"))))),
    ];

    [Fact]
    public void No_damage_to_an_archive_ends_the_scan()
    {
        var change = Gen.Choose(0, 4000).Zip(Gen.Choose(0, 255));
        var damaged =
            from which in Gen.Choose(0, Whole.Length - 1)
            from changes in change.ListOf()
            from cut in Gen.Choose(0, 8000)
            select Damage(Whole[which], changes, cut);
        Prop.ForAll(damaged.ToArbitrary(), Survives).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    [Fact]
    public void Any_bytes_after_the_marks_of_an_archive_are_read_to_their_end()
    {
        byte[][] marks = ["PK\x03\x04"u8.ToArray(), "PK\x05\x06"u8.ToArray(), [0x1F, 0x8B, 8], Whole[1][..512]];
        var inputs =
            from mark in Gen.Elements(marks)
            from rest in Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf()
            select mark.Concat(rest).ToArray();
        Prop.ForAll(inputs.ToArbitrary(), Survives).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    private static byte[] Damage(byte[] archive, IEnumerable<(int At, int Value)> changes, int cut)
    {
        var copy = archive[..Math.Min(archive.Length, archive.Length * 2 * cut / 8000)];
        foreach (var (at, value) in changes.Where(_ => copy.Length > 0))
        {
            copy[at % copy.Length] = (byte)value;
        }

        return copy;
    }

    private static bool Survives(byte[] bytes)
    {
        using var temp = new Storage.TempFolder();
        Directory.CreateDirectory(temp.Path);
        File.WriteAllBytes(Path.Combine(temp.Path, "x"), bytes);
        var result = new FolderSource(temp.Path) { MaxArchiveDepth = 5 }.Scan(Scanner, CancellationToken.None);
        var piped = new StreamSource(new MemoryStream(bytes), "") { MaxArchiveDepth = 5 }.Scan(
            Scanner,
            CancellationToken.None
        );
        return result.Failure is null && piped.Failure is null;
    }
}
