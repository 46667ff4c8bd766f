using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Mayfly.Scanner.Archives;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;
using Mayfly.Scanner.Sources;
using Mayfly.Tests.Storage;

namespace Mayfly.Tests.Scanner.Archives;

public sealed class ArchiveScanTests : IDisposable
{
    private const string Key = "id = AKIAQ3EGRZ7VN5KXM2PL\n";

    private readonly TempFolder _temp = new();

    public ArchiveScanTests() => Directory.CreateDirectory(_temp.Path);

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData("a.zip", "zip -qr a.zip in")]
    [InlineData("a.zip", "zip -0qr a.zip in")]
    [InlineData("a.jar", "zip -qr a.jar in")]
    [InlineData("a.tar", "tar -cf a.tar in")]
    [InlineData("a.tar", "tar --format=v7 -cf a.tar in")]
    [InlineData("a.tar", "tar --format=ustar -cf a.tar in")]
    [InlineData("a.tar", "tar --format=gnu -cf a.tar in")]
    [InlineData("a.tar", "tar --format=pax -cf a.tar in")]
    [InlineData("a.tgz", "tar -czf a.tgz in")]
    [InlineData("a.bin", "tar -czf a.bin ./in")]
    public void What_the_usual_programs_pack_is_scanned_and_named_after_the_archive(string archive, string command)
    {
        Write("in/deep/x.txt", "first\n" + Key);
        Write("in/y.bin", "\0\0\u0001");
        Shell(command);
        Directory.Delete(In("in"), recursive: true);
        var result = Scan(depth: 1);
        var finding = Assert.Single(result.Findings);
        Assert.Equal($"{archive}!in/deep/x.txt", Relative(finding.File));
        Assert.Equal((2, 6), (finding.StartLine, finding.StartColumn));
        Assert.Equal((1, 1), (result.Files, result.BinaryFiles));
        Assert.Empty(result.PassedOver);
    }

    [Fact]
    public void A_compressed_file_has_its_own_name()
    {
        Write("app.log", Key);
        Shell("gzip app.log");
        Assert.Equal(["app.log.gz"], Names(Scan(depth: 1)));
    }

    [Fact]
    public void Names_of_any_length_come_whole_from_the_real_tar()
    {
        var name = string.Join('/', Enumerable.Repeat(new string('n', 90), 5)) + "/größe x.txt";
        foreach (var format in (string[])["gnu", "pax"])
        {
            Write(name, Key);
            Shell($"tar --format={format} -cf a.tar nnnnn*");
            Directory.Delete(In(name.Split('/')[0]), recursive: true);
            Assert.Equal([$"a.tar!{name}"], Names(Scan(depth: 1)));
        }
    }

    [Fact]
    public void Sparse_and_concatenated_tars_are_read_to_their_last_entry()
    {
        using (var file = File.Create(In("sparse")))
        {
            file.Position = 4 << 20;
            file.Write(Encoding.UTF8.GetBytes(Key));
        }

        Write("after.txt", Key);
        foreach (var format in (string[])["gnu", "pax"])
        {
            Shell($"tar --format={format} -S -cf one.tar sparse after.txt; tar -cf two.tar after.txt");
            Shell("cat one.tar two.tar > both.tar; rm one.tar two.tar");
            var result = Scan("both.tar", depth: 1);
            Assert.Equal(
                ["both.tar!after.txt", "both.tar!after.txt"],
                Names(result).Where(n => n.EndsWith("after.txt", StringComparison.Ordinal))
            );
            Assert.Empty(result.PassedOver);
        }
    }

    [Fact]
    public void Archives_in_archives_are_opened_as_deep_as_is_asked_for_and_then_listed()
    {
        Write("x.txt", Key);
        Shell(
            "zip -q a.zip x.txt && tar -czf b.tar.gz a.zip x.txt && zip -q c.zip b.tar.gz && rm x.txt a.zip b.tar.gz"
        );
        Assert.Equal(["c.zip!b.tar.gz!a.zip!x.txt", "c.zip!b.tar.gz!x.txt"], Names(Scan(depth: 3)));
        var two = Scan(depth: 2);
        Assert.Equal(["c.zip!b.tar.gz!x.txt"], Names(two));
        Assert.Equal("c.zip!b.tar.gz!a.zip", Relative(Assert.Single(two.PassedOver).Path));
        var none = Scan(depth: 0);
        Assert.Empty(none.Findings);
        Assert.Empty(none.PassedOver);
        Assert.Equal(1, none.BinaryFiles);
    }

    [Fact]
    public void An_archive_that_is_named_is_never_silently_clean()
    {
        Write("x.txt", Key);
        Shell("zip -q a.zip x.txt");
        Assert.Contains(
            "-max-archive-depth=0",
            Assert.Single(Scan("a.zip", depth: 0).PassedOver).Reason,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("blobs/sha256/", "", false)]
    [InlineData("blobs/sha256/", "", true)]
    [InlineData("", "/layer.tar", false)]
    [InlineData("", ".tar", false)]
    public void Every_layer_of_an_image_is_scanned_also_what_a_later_one_deletes(
        string before,
        string after,
        bool compressed
    )
    {
        var digests = Enumerable.Range(0, 2).Select(i => new string((char)('a' + i), 64)).ToArray();
        var first = Tar(
            ("etc/app.env", Key),
            ("etc/keep.txt", "nothing\n"),
            ("blobs/sha256/" + digests[0], Tar(("x", Key)))
        );
        var second = Tar(("etc/.wh.app.env", ""));
        var config = """{"config":{"Env":["AWS_KEY=AKIAQ3EGRZ7VN5KXM2PL"]}}""";
        var image = Tar(
            (before + digests[0] + after, compressed ? Gzip(first) : first),
            (before + digests[1] + after, compressed ? Gzip(second) : second),
            ("manifest.json", "[]"),
            ("config.json", config)
        );
        File.WriteAllBytes(In("image.tar"), image);
        string[] expected = [$"image.tar!{before}{digests[0]}{after}!etc/app.env", "image.tar!config.json"];
        var result = Scan("image.tar", depth: 1);
        Assert.Equal(expected.Order(StringComparer.Ordinal), Names(result).Order(StringComparer.Ordinal));
        // What looks like a layer inside of a layer is an archive like any other.
        Assert.EndsWith(digests[0], Assert.Single(result.PassedOver).Path, StringComparison.Ordinal);
        Assert.Equal(3, Scan("image.tar", depth: 2).Findings.Count);

        var piped = ScanStream(Gzip(image), depth: 1);
        Assert.Equal(
            expected.Select(name => name["image.tar!".Length..]).Order(StringComparer.Ordinal),
            piped.Findings.Select(finding => finding.File).Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("new\nline")]
    [InlineData("a!b")]
    public void Names_of_entries_are_only_names(string name)
    {
        File.WriteAllBytes(In("a.tar"), Tar((name, Key)));
        File.WriteAllBytes(In("b.zip"), Zip((name, Key)));
        Assert.Equal([$"a.tar!{name}", $"b.zip!{name}"], Names(Scan(depth: 1)));
        Assert.Equal(2, Directory.GetFileSystemEntries(_temp.Path).Length);
    }

    [Fact]
    public void Broken_archives_are_listed_with_what_could_be_read_of_them_and_the_scan_goes_on()
    {
        var text = Key + Convert.ToHexString(RandomNumberGenerator.GetBytes(40_000));
        var tar = Tar(("x.txt", Key), ("long.txt", text));
        var zip = Zip(("x.txt", Key), ("long.txt", text));
        File.WriteAllBytes(In("cut.tar"), tar[..(tar.Length / 2)]);
        File.WriteAllBytes(In("cut.tgz"), Gzip(tar)[..(Gzip(tar).Length / 2)]);
        File.WriteAllBytes(In("cut.zip"), zip[..(zip.Length / 2)]);
        // There is no third kind of block in deflate.
        zip[zip.AsSpan().IndexOf("long.txt"u8) + 8] = 7;
        File.WriteAllBytes(In("hole.zip"), zip);
        tar[512 * 2 + 3] ^= 1;
        File.WriteAllBytes(In("header.tar"), tar);
        foreach (
            var (name, magic) in (ReadOnlySpan<(string, string)>)
                [
                    ("a.bz2", "QlpoOTFBWSZTWQ=="),
                    ("a.xz", "/Td6WFoA"),
                    ("a.zst", "KLUv/Q=="),
                    ("a.7z", "N3q8ryccAAA="),
                    ("a.rar", "UmFyIRoHAQA="),
                ]
        )
        {
            File.WriteAllBytes(In(name), Convert.FromBase64String(magic));
        }

        Write("z.txt", Key);
        var result = Scan(depth: 2);
        string[] found =
        [
            "cut.tar!long.txt",
            "cut.tar!x.txt",
            "cut.tgz!long.txt",
            "cut.tgz!x.txt",
            "header.tar!x.txt",
            "hole.zip!x.txt",
            "z.txt",
        ];
        Assert.Equal(found, Names(result));
        var passed = result.PassedOver.Select(each => Relative(each.Path).Split('!')[0]).Distinct();
        Assert.Equal(
            ["a.7z", "a.bz2", "a.rar", "a.xz", "a.zst", "cut.tar", "cut.tgz", "cut.zip", "header.tar", "hole.zip"],
            passed
        );
    }

    [Fact]
    public void A_zip_in_something_compressed_and_encrypted_entries_are_handled()
    {
        Write("x.txt", Key);
        Shell("zip -q a.zip x.txt && zip -q -P word b.zip x.txt && tar -czf c.tar.gz a.zip b.zip && rm *.zip x.txt");
        var result = Scan(depth: 2);
        Assert.Equal(["c.tar.gz!a.zip!x.txt"], Names(result));
        Assert.Contains("encrypted", Assert.Single(result.PassedOver).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bomb_is_given_up_soon_and_listed()
    {
        var zeros = new byte[1 << 20];
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            for (var i = 0; i < 200; i++)
            {
                zeros.AsSpan().Fill((byte)'\n');
                gzip.Write(zeros);
            }
        }

        File.WriteAllBytes(In("bomb.gz"), packed.ToArray());
        var result = Scan(depth: 3);
        Assert.Contains("times its size", Assert.Single(result.PassedOver).Reason, StringComparison.Ordinal);
        Assert.InRange(result.Bytes, 1, UnpackBudget.StreamBase + (1 << 20));
    }

    [Fact]
    public void No_more_is_unpacked_of_one_file_than_in_all_is_allowed()
    {
        var budget = new UnpackBudget(1000, CancellationToken.None);
        var read = 0L;
        void ReadOn()
        {
            var buffer = new byte[1 << 20];
            while (true)
            {
                // One entry after the other, none of them too large by itself.
                using var entry = budget.Watch(new MemoryStream(buffer), null);
                read += entry.Read(buffer);
            }
        }

        var e = Assert.Throws<ArchiveException>(ReadOn);
        Assert.True(e.EndsAll);
        Assert.InRange(read, UnpackBudget.Base, UnpackBudget.Base + (1 << 20));
        e = Assert.Throws<ArchiveException>(() =>
        {
            for (var i = 0; i <= UnpackBudget.Entries; i++)
            {
                budget.CountEntry();
            }
        });
        Assert.True(e.EndsAll);
    }

    [Fact]
    public void A_header_that_claims_gigabytes_takes_no_memory()
    {
        var tar = Tar((new string('n', 300), Key));
        // The GNU header of a long name, whose length is made 1.5 GB.
        "14000000000\0"u8.CopyTo(tar.AsSpan(124));
        FixChecksum(tar);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<ArchiveException>(() =>
            new Mayfly.Scanner.Archives.TarReader(new MemoryStream(tar)).Files().Count()
        );
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Allowlists_count_for_the_name_of_the_entry_and_for_the_whole()
    {
        File.WriteAllBytes(In("a.zip"), Zip(("vendor/x.txt", Key), ("y.txt", Key)));
        foreach (
            var (path, left) in (ReadOnlySpan<(string, string[])>)
                [("^vendor/", ["a.zip!y.txt"]), ("a\\.zip!y", ["a.zip!vendor/x.txt"])]
        )
        {
            var toml = $"[extend]\nuseDefault = true\n[[allowlists]]\npaths = ['''{path}''']\n";
            var (rules, _) = RuleFile.Read("x.toml", Encoding.UTF8.GetBytes(toml), DefaultRules.Set, _ => null);
            var source = new FolderSource(_temp.Path) { MaxArchiveDepth = 1 };
            Assert.Equal(left, Names(source.Scan(new SecretScanner(rules!), TestContext.Current.CancellationToken)));
        }
    }

    internal static byte[] Tar(params (string Name, object Content)[] files)
    {
        using var archive = new MemoryStream();
        using (var writer = new TarWriter(archive, TarEntryFormat.Gnu, leaveOpen: true))
        {
            foreach (var (name, content) in files)
            {
                writer.WriteEntry(
                    new GnuTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Bytes(content)) }
                );
            }
        }

        return archive.ToArray();
    }

    internal static byte[] Zip(params (string Name, object Content)[] files)
    {
        using var archive = new MemoryStream();
        using (var zip = new ZipArchive(archive, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in files)
            {
                using var entry = zip.CreateEntry(name).Open();
                entry.Write(Bytes(content));
            }
        }

        return archive.ToArray();
    }

    internal static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(content);
        }

        return packed.ToArray();
    }

    private static void FixChecksum(byte[] tar)
    {
        tar.AsSpan(148, 8).Fill((byte)' ');
        var sum = tar.Take(512).Sum(each => each);
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0").CopyTo(tar, 148);
    }

    private static byte[] Bytes(object content) => content as byte[] ?? Encoding.UTF8.GetBytes((string)content);

    private static ScanResult ScanStream(byte[] content, int depth)
    {
        using var packed = new MemoryStream(content);
        // A pipe cannot go back.
        using var pipe = new BufferedPipe(packed);
        return new StreamSource(pipe, "") { MaxArchiveDepth = depth }.Scan(
            new SecretScanner(DefaultRules.Set),
            TestContext.Current.CancellationToken
        );
    }

    private ScanResult Scan(int depth) => Scan("", depth);

    private ScanResult Scan(string file, int depth) =>
        new FolderSource(Path.Combine(_temp.Path, file)) { MaxArchiveDepth = depth }.Scan(
            new SecretScanner(DefaultRules.Set),
            TestContext.Current.CancellationToken
        );

    private IEnumerable<string> Names(ScanResult result) => result.Findings.Select(finding => Relative(finding.File));

    private string Relative(string path) => path[(_temp.Path.Length + 1)..];

    private string In(string name) => Path.Combine(_temp.Path, name);

    private void Write(string name, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(In(name))!);
        File.WriteAllText(In(name), content);
    }

    private void Shell(string command)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", command]) { WorkingDirectory = _temp.Path };
        using var process = Process.Start(start)!;
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    private sealed class BufferedPipe(Stream inner) : ReadOnlyStream
    {
        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        // As pipes do: less than was asked for.
        public override int Read(Span<byte> buffer) => inner.Read(buffer[..Math.Min(buffer.Length, 1000)]);
    }
}
