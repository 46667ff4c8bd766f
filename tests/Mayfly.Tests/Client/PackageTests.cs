using System.Diagnostics;
using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.Json;
using Mayfly.Client;
using Mayfly.Tests.Engines.Database;
using Mayfly.Tests.Rotation;

namespace Mayfly.Tests.Client;

/// <summary>The packages as users get them: what is in them, and that programs made with them work, trimmed ones too.</summary>
public sealed class PackageTests(DatabaseServers servers) : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly TemporaryFolder _folder = new();
    private readonly string _version = "0.0.1-test." + Guid.NewGuid().ToString("N");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Packages => [.. Names];

    private static IEnumerable<string> Names =>
        Directory
            .GetDirectories(Path.Combine(Repository.Root, "src"), "Mayfly.Client*")
            .Select(folder => Path.GetFileName(folder))
            .Order(StringComparer.Ordinal);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        // Restoring has put the package into the cache that all programs of this user share.
        var cache =
            Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget/packages");
        foreach (var folder in Directory.GetDirectories(cache, "mayfly.client*"))
        {
            if (Path.Combine(folder, _version) is var restored && Directory.Exists(restored))
            {
                Directory.Delete(restored, recursive: true);
            }
        }

        return ValueTask.CompletedTask;
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public async Task A_package_holds_the_library_its_documentation_its_symbols_and_a_readme(string name)
    {
        await PackAsync(name);

        await using var package = await ZipFile.OpenReadAsync(
            _folder.File($"feed/{name}.{_version}.nupkg"),
            Cancellation
        );
        var names = package.Entries.Select(entry => entry.FullName).ToList();
        Assert.Contains("README.md", names);
        var manifest = await TextAsync(package, name + ".nuspec");
        Assert.Contains("<readme>README.md</readme>", manifest, StringComparison.Ordinal);
        Assert.Contains("<license type=\"expression\">MPL-2.0</license>", manifest, StringComparison.Ordinal);
        Assert.Contains("<description>", manifest, StringComparison.Ordinal);
        Assert.Equal(
            name.EndsWith("Npgsql", StringComparison.Ordinal),
            manifest.Contains("\"Npgsql\"", StringComparison.Ordinal)
        );
        Assert.Contains(
            $"<member name=\"T:{name}.",
            await TextAsync(package, $"lib/net10.0/{name}.xml"),
            StringComparison.Ordinal
        );

        using var library = new MemoryStream();
        await using (var content = await package.GetEntry($"lib/net10.0/{name}.dll")!.OpenAsync(Cancellation))
        {
            await content.CopyToAsync(library, Cancellation);
        }

        // Made of the same sources it is the same, wherever they lay: nothing names a folder of this machine.
        library.Position = 0;
        using var reader = new PEReader(library);
        var entries = reader.ReadDebugDirectory();
        Assert.Contains(entries, entry => entry.Type == DebugDirectoryEntryType.Reproducible);
        var symbols = Assert.Single(entries, entry => entry.Type == DebugDirectoryEntryType.EmbeddedPortablePdb);
        using var provider = reader.ReadEmbeddedPortablePdbDebugDirectoryData(symbols);
        var pdb = provider.GetMetadataReader();
        var sources = pdb.Documents.Select(document => pdb.GetString(pdb.GetDocument(document).Name)).ToList();
        Assert.NotEmpty(sources);
        Assert.All(sources, source => Assert.StartsWith("/_/", source, StringComparison.Ordinal));
    }

    /// <summary>The program of docs/sdk/getting-started.md: what a newcomer has after five minutes.</summary>
    [Fact]
    public async Task The_first_program_of_a_newcomer_runs_and_follows_rotations()
    {
        await PackAsync("Mayfly.Client");
        await PackAsync("Mayfly.Client.Npgsql");
        var sample = Path.Combine(Repository.Root, "samples/orders");
        foreach (var file in Directory.GetFiles(sample))
        {
            var text = await File.ReadAllTextAsync(file, Cancellation);
            await File.WriteAllTextAsync(
                _folder.File(Path.GetFileName(file)),
                text.Replace("Version=\"0.1.0\"", $"Version=\"{_version}\"", StringComparison.Ordinal),
                Cancellation
            );
        }

        await DotnetAsync(
            _folder.Path,
            "build",
            "-c",
            "Release",
            "-o",
            _folder.File("out"),
            $"-p:RestoreAdditionalProjectSources={_folder.File("feed")}"
        );
        var postgres = await servers.PostgresAsync();
        await postgres.ExecuteAsync("CREATE ROLE sample_orders LOGIN");
        await using var server = await ServerProcess.StartDevAsync();
        using var client = new MayflyClient(
            new MayflyClientOptions { Address = server.Address, Token = ServerProcess.DevToken }
        );
        await WriteAsync(client, "sys/mounts/database", new { type = "database" });
        await WriteAsync(client, "database/config/main", postgres.ConfigurationAt(postgres.Port));
        await WriteAsync(
            client,
            "database/static-roles/orders",
            new
            {
                db_name = "main",
                username = "sample_orders",
                rotation_period = "24h",
            }
        );
        await client
            .Kv()
            .PutAsync("orders", [new("api_key", "canary-of-the-sample-1")], cancellationToken: Cancellation);

        await using var program = new RunningProgram(
            _folder.File("out/Orders"),
            new()
            {
                ["MAYFLY_ADDR"] = server.Address,
                ["MAYFLY_TOKEN"] = ServerProcess.DevToken,
                ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
                ["ConnectionStrings__Orders"] = $"Host=127.0.0.1;Port={postgres.Port};Database=postgres",
            }
        );
        using var http = new HttpClient { BaseAddress = await program.AddressAsync() };
        var first = await http.GetStringAsync("/", Cancellation);
        Assert.StartsWith("sample_orders, key ", first, StringComparison.Ordinal);
        Assert.Equal("Healthy", await http.GetStringAsync("/health", Cancellation));

        await client
            .Kv()
            .PutAsync("orders", [new("api_key", "canary-of-the-sample-2")], cancellationToken: Cancellation);
        await WriteAsync(client, "database/rotate-role/orders", new { });
        await RotationFunction.WaitForAsync(
            () => http.GetStringAsync("/", Cancellation).GetAwaiter().GetResult() != first,
            "the program did not see the new key"
        );

        Assert.Contains("asked with the key [redacted]", program.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("canary-of-the-sample", program.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_for_newcomers_shows_that_program()
    {
        var page = await File.ReadAllTextAsync(
            Path.Combine(Repository.Root, "docs/sdk/getting-started.md"),
            Cancellation
        );
        var program = await File.ReadAllTextAsync(
            Path.Combine(Repository.Root, "samples/orders/Program.cs"),
            Cancellation
        );
        Assert.Contains($"```csharp\n{program}```\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trimmed_program_of_all_packages_logs_in_reads_and_keeps_a_secret_fresh()
    {
        foreach (var package in Names)
        {
            await PackAsync(package);
        }

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
                <PackageReference Include="Mayfly.Client.Aws" Version="{_version}" />
                <PackageReference Include="Mayfly.Client.Azure" Version="{_version}" />
                <PackageReference Include="Mayfly.Client.Npgsql" Version="{_version}" />
                <PackageReference Include="Mayfly.Client.OpenTelemetry" Version="{_version}" />
              </ItemGroup>
            </Project>
            """,
            Cancellation
        );
        await File.WriteAllTextAsync(
            _folder.File("Program.cs"),
            """
            using System.Diagnostics;
            using Amazon.Runtime;
            using Azure.Core;
            using Azure.Security.KeyVault.Secrets;
            using Mayfly.Client;
            using Mayfly.Client.Aws;
            using Mayfly.Client.Azure;
            using Mayfly.Client.Logins;
            using Mayfly.Client.Npgsql;
            using Mayfly.Client.OpenTelemetry;
            using Mayfly.Client.Secrets;
            using Mayfly.Client.Secrets.Sources;
            using OpenTelemetry;
            using OpenTelemetry.Trace;

            var options = MayflyClientOptions.FromEnvironment();
            await using var client = new MayflyClient(options with { Token = null, Login = new TokenLogin(options.Token!) });
            await client.Kv().PutAsync("app", [new("password", "hunter2")]);
            await using var secrets = new LiveSecrets(new MayflySecretSource(client));
            var live = await secrets.GetAsync("secret/data/app");
            var kv = await client.Kv().GetAsync("app");
            Console.WriteLine($"{live["password"]} {kv!["password"]} {kv["password"].Reveal()}");

            using var work = new ActivitySource("work");
            using var tracing = Sdk.CreateTracerProviderBuilder().AddSource("work").AddMayflyRedaction().Build();
            var activity = work.StartActivity("with hunter2")!;
            activity.Stop();
            Console.WriteLine(activity.DisplayName);

            var mock = new MockSecretSource();
            mock.Set("db", new("username", "trimmed"), new("password", "trimmed-password"));
            await using var others = new LiveSecrets(mock);
            await using var database = new LiveNpgsqlDataSource(args[0], others.Get("db"));
            await using var connection = await database.OpenConnectionAsync();
            Console.WriteLine(connection.UserName);

            using var aws = new AwsSecretsManagerSource(
                new() { Region = "local", Endpoint = new("http://127.0.0.1:1"), Credentials = new BasicAWSCredentials("a", "b") }
            );
            var vault = new SecretClientOptions { Retry = { MaxRetries = 0 } };
            var azure = new AzureKeyVaultSource(new SecretClient(new("https://127.0.0.1:1"), new Token(), vault));
            foreach (var source in new ISecretSource[] { aws, azure })
            {
                try
                {
                    await source.FetchAsync("app", default);
                }
                catch (SecretSourceException failure)
                {
                    Console.WriteLine(failure.Reason);
                }
            }

            internal sealed class Token : TokenCredential
            {
                public override AccessToken GetToken(TokenRequestContext context, CancellationToken stop) => new("t", DateTimeOffset.MaxValue);

                public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext context, CancellationToken stop) =>
                    new(GetToken(context, stop));
            }
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
        var postgres = await servers.PostgresAsync();
        await postgres.ExecuteAsync("CREATE ROLE trimmed LOGIN PASSWORD 'trimmed-password'");
        await using var server = await ServerProcess.StartDevAsync();

        var output = await RunAsync(
            _folder.File("out/Consumer"),
            _folder.Path,
            [$"Host=127.0.0.1;Port={postgres.Port};Database=postgres"],
            new() { ["MAYFLY_ADDR"] = server.Address, ["MAYFLY_TOKEN"] = ServerProcess.DevToken }
        );

        Assert.Equal(
            ["hunter2 [redacted] hunter2", "with [redacted]", "trimmed", "Unreachable", "Unreachable"],
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        );
    }

    // Packs what the build has made, so that the package holds what the other tests have tested.
    private Task<string> PackAsync(string name) =>
        DotnetAsync(
            _folder.Path,
            "pack",
            Path.Combine(Repository.Root, "src", name),
            "-c",
            Configuration,
            "--no-build",
            "-o",
            _folder.File("feed"),
            $"-p:PackageVersion={_version}"
        );

    private static async Task WriteAsync(MayflyClient client, string path, object body) =>
        (await client.WriteAsync(path, JsonSerializer.SerializeToUtf8Bytes(body), Cancellation)).EnsureSuccess();

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
