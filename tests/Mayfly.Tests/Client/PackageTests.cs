using System.Diagnostics;
using System.IO.Compression;

namespace Mayfly.Tests.Client;

/// <summary>The package as users get it: what is in it, and that a trimmed program made with it works.</summary>
public sealed class PackageTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly TemporaryFolder _folder = new();
    private readonly string _version = "0.0.1-test." + Guid.NewGuid().ToString("N");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Package => _folder.File($"feed/Mayfly.Client.{_version}.nupkg");

    // Packs what the build has made, so that the package holds what the other tests have tested.
    public async ValueTask InitializeAsync() =>
        await DotnetAsync(
            _folder.Path,
            "pack",
            Path.Combine(Repository.Root, "src/Mayfly.Client"),
            "-c",
            Configuration,
            "--no-build",
            "-o",
            _folder.File("feed"),
            $"-p:PackageVersion={_version}"
        );

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        // Restoring has put the package into the cache that all programs of this user share.
        var cache = Path.Combine(
            Environment.GetEnvironmentVariable("NUGET_PACKAGES")
                ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget/packages"),
            "mayfly.client",
            _version
        );
        if (Directory.Exists(cache))
        {
            Directory.Delete(cache, recursive: true);
        }

        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task The_package_holds_the_library_its_documentation_and_a_readme()
    {
        await using var package = await ZipFile.OpenReadAsync(Package, Cancellation);
        var names = package.Entries.Select(entry => entry.FullName).ToList();

        Assert.Contains("lib/net10.0/Mayfly.Client.dll", names);
        Assert.Contains("lib/net10.0/Mayfly.Client.xml", names);
        Assert.Contains("README.md", names);
        var manifest = await TextAsync(package, "Mayfly.Client.nuspec");
        Assert.Contains("<readme>README.md</readme>", manifest, StringComparison.Ordinal);
        Assert.Contains("<license type=\"expression\">MPL-2.0</license>", manifest, StringComparison.Ordinal);
        Assert.DoesNotContain("Npgsql", manifest, StringComparison.Ordinal);
        Assert.Contains(
            "M:Mayfly.Client.MayflyClient.SendAsync",
            await TextAsync(package, "lib/net10.0/Mayfly.Client.xml"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_trimmed_program_logs_in_reads_and_keeps_a_secret_fresh()
    {
        await File.WriteAllTextAsync(
            _folder.File("Consumer.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <InvariantGlobalization>true</InvariantGlobalization>
                <PublishTrimmed>true</PublishTrimmed>
                <TrimmerSingleWarn>false</TrimmerSingleWarn>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <EnableAotAnalyzer>true</EnableAotAnalyzer>
                <RestoreAdditionalProjectSources>{_folder.File("feed")}</RestoreAdditionalProjectSources>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Mayfly.Client" Version="{_version}" />
              </ItemGroup>
            </Project>
            """,
            Cancellation
        );
        await File.WriteAllTextAsync(
            _folder.File("Program.cs"),
            """
            using Mayfly.Client;
            using Mayfly.Client.Logins;
            using Mayfly.Client.Secrets;
            using Mayfly.Client.Secrets.Sources;

            var options = MayflyClientOptions.FromEnvironment();
            await using var client = new MayflyClient(options with { Token = null, Login = new TokenLogin(options.Token!) });
            await client.Kv().PutAsync("app", [new("password", "hunter2")]);
            await using var secrets = new LiveSecrets(new MayflySecretSource(client));
            var live = await secrets.GetAsync("secret/data/app");
            var kv = await client.Kv().GetAsync("app");
            Console.WriteLine($"{live["password"]} {kv!["password"]} {kv["password"].Reveal()}");
            """,
            Cancellation
        );
        var rid = System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier;
        await DotnetAsync(
            _folder.Path,
            "publish",
            "-c",
            "Release",
            "-r",
            rid,
            "--self-contained",
            "-o",
            _folder.File("out")
        );
        await using var server = await ServerProcess.StartDevAsync();

        var output = await RunAsync(
            _folder.File("out/Consumer"),
            _folder.Path,
            [],
            new() { ["MAYFLY_ADDR"] = server.Address, ["MAYFLY_TOKEN"] = ServerProcess.DevToken }
        );

        Assert.Equal("hunter2 [redacted] hunter2", output.Trim());
    }

    private static string Configuration => new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    private static async Task<string> TextAsync(ZipArchive package, string name)
    {
        using var reader = new StreamReader(await package.GetEntry(name)!.OpenAsync(Cancellation));
        return await reader.ReadToEndAsync(Cancellation);
    }

    private static Task<string> DotnetAsync(string folder, params string[] arguments) =>
        RunAsync("dotnet", folder, [.. arguments, "-nologo", "-v", "quiet"], new() { ["DOTNET_NOLOGO"] = "1" });

    private static async Task<string> RunAsync(
        string program,
        string folder,
        IEnumerable<string> arguments,
        Dictionary<string, string> environment
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(Patience);
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            Assert.True(process.ExitCode == 0, $"{program}: {await output}{await errors}");
            return await output;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
