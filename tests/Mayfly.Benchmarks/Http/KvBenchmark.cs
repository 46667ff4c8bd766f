using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mayfly.Benchmarks.Store;

namespace Mayfly.Benchmarks.Http;

/// <summary>
/// KV over HTTP with wrk's 64 connections: audited reads beside a bare Kestrel endpoint that answers the same bytes, durable
/// writes beside what the store alone commits, AppRole logins beside durable writes. Each ratio is of one run; the runs of
/// both sides take turns, and medians are compared.
/// </summary>
internal static class KvBenchmark
{
    private const int Rounds = 3;
    private const int Seconds = 4;

    public static async Task<IReadOnlyList<Figure>> MainAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-bench-").FullName;
        try
        {
            var figures = new List<Figure>();
            await ReadsAsync(folder, figures, cancellation);
            await TlsReadsAsync(folder, figures, cancellation);
            await WritesAsync(folder, figures, cancellation);
            return figures;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task ReadsAsync(string folder, List<Figure> figures, CancellationToken cancellation)
    {
        await using var audited = await MeasuredVault.StartAsync(
            Path.Combine(folder, "a"),
            audit: true,
            tls: null,
            cancellation
        );
        await using var silent = await MeasuredVault.StartAsync(
            Path.Combine(folder, "b"),
            audit: false,
            tls: null,
            cancellation
        );
        await using var bare = await StartBareAsync(folder, audited, tls: null, cancellation);
        figures.Add(new("kv.memory.idle", audited.Child.ResidentMebibytes, "MiB"));
        var runs = new Dictionary<string, List<(Wrk Wrk, double Cpu)>>(StringComparer.Ordinal);
        for (var round = -1; round < Rounds; round++)
        {
            await MeasureAsync(runs, round, "bare", bare, bare.Address, "", cancellation);
            await MeasureAsync(
                runs,
                round,
                "audited",
                audited.Child,
                audited.Address + MeasuredVault.SecretPath,
                audited.Token,
                cancellation
            );
            await MeasureAsync(
                runs,
                round,
                "silent",
                silent.Child,
                silent.Address + MeasuredVault.SecretPath,
                silent.Token,
                cancellation
            );
        }

        Report(figures, "kv.read", runs["audited"]);
        Report(figures, "kv.read.unaudited", runs["silent"]);
        Report(figures, "kestrel.bare", runs["bare"]);
        figures.Add(
            new("kv.read / kestrel.bare (goal >= 0.5)", Median(runs["audited"]) / Median(runs["bare"]), "ratio")
        );
        figures.Add(
            new("kv.read / unaudited (goal >= 0.9)", Median(runs["audited"]) / Median(runs["silent"]), "ratio")
        );
        figures.Add(new("kv.memory.after_load", audited.Child.ResidentMebibytes, "MiB"));
    }

    private static async Task TlsReadsAsync(string folder, List<Figure> figures, CancellationToken cancellation)
    {
        var tls = MakeCertificate(folder);
        await using var audited = await MeasuredVault.StartAsync(
            Path.Combine(folder, "t"),
            audit: true,
            tls,
            cancellation
        );
        await using var bare = await StartBareAsync(folder, audited, tls, cancellation);
        var runs = new Dictionary<string, List<(Wrk Wrk, double Cpu)>>(StringComparer.Ordinal);
        for (var round = -1; round < Rounds; round++)
        {
            await MeasureAsync(runs, round, "bare", bare, bare.Address, "", cancellation);
            await MeasureAsync(
                runs,
                round,
                "audited",
                audited.Child,
                audited.Address + MeasuredVault.SecretPath,
                audited.Token,
                cancellation
            );
        }

        Report(figures, "kv.read.tls", runs["audited"]);
        Report(figures, "kestrel.bare.tls", runs["bare"]);
        figures.Add(new("kv.read.tls / kestrel.bare.tls", Median(runs["audited"]) / Median(runs["bare"]), "ratio"));
    }

    private static async Task WritesAsync(string folder, List<Figure> figures, CancellationToken cancellation)
    {
        await using var vault = await MeasuredVault.StartAsync(
            Path.Combine(folder, "w"),
            audit: true,
            tls: null,
            cancellation
        );
        var (roleId, secretId) = await MakeRoleAsync(vault, cancellation);
        var runs = new Dictionary<string, List<(Wrk Wrk, double Cpu)>>(StringComparer.Ordinal);
        var alone = new List<double>();
        for (var round = -1; round < Rounds; round++)
        {
            var store = await StoreBenchmark.RunAsync(
                Path.Combine(folder, $"s{round}"),
                TimeSpan.FromSeconds(2),
                cancellation
            );
            alone.Add(store.CommitsBy64);
            await MeasureAsync(
                runs,
                round,
                "write",
                vault.Child,
                vault.Address,
                Write(vault.Token),
                cancellation,
                isScript: true
            );
            await MeasureAsync(
                runs,
                round,
                "login",
                vault.Child,
                vault.Address,
                Login(roleId, secretId),
                cancellation,
                isScript: true
            );
        }

        Report(figures, "kv.write", runs["write"]);
        Report(figures, "approle.login", runs["login"]);
        var commits = alone.Skip(1).Order().ElementAt(Rounds / 2);
        figures.Add(new("store.commits.64 in this run", commits, "commits/s"));
        figures.Add(new("kv.write / store.commits.64 (goal >= 0.25)", Median(runs["write"]) / commits, "ratio"));
        figures.Add(
            new("approle.login / kv.write (goal >= 0.75)", Median(runs["login"]) / Median(runs["write"]), "ratio")
        );
    }

    private static async Task MeasureAsync(
        Dictionary<string, List<(Wrk Wrk, double Cpu)>> runs,
        int round,
        string name,
        Child child,
        string url,
        string tokenOrScript,
        CancellationToken cancellation,
        bool isScript = false
    )
    {
        var before = child.CpuMicroseconds;
        var script = isScript ? tokenOrScript : Wrk.Get(tokenOrScript);
        var wrk = await Wrk.RunAsync(url, Seconds, script, cancellation);
        if (wrk.Failures > 0 || wrk.Requests == 0)
        {
            throw new InvalidOperationException($"{name}: {wrk.Failures} of {wrk.Requests} requests failed");
        }

        // The first round warms up: the runtime compiles what is hot.
        if (round >= 0)
        {
            if (!runs.TryGetValue(name, out var list))
            {
                runs[name] = list = [];
            }

            list.Add((wrk, (child.CpuMicroseconds - before) / wrk.Requests));
        }
    }

    private static void Report(List<Figure> figures, string name, List<(Wrk Wrk, double Cpu)> runs)
    {
        var middle = runs.OrderBy(run => run.Wrk.PerSecond).ElementAt(runs.Count / 2);
        figures.Add(new(name, middle.Wrk.PerSecond, "requests/s"));
        figures.Add(new(name + ".p50", middle.Wrk.P50, "ms"));
        figures.Add(new(name + ".p99", middle.Wrk.P99, "ms"));
        figures.Add(new(name + ".cpu", middle.Cpu, "us/request"));
    }

    private static double Median(List<(Wrk Wrk, double Cpu)> runs) =>
        runs.Select(run => run.Wrk.PerSecond).Order().ElementAt(runs.Count / 2);

    private static async Task<Child> StartBareAsync(
        string folder,
        MeasuredVault vault,
        (string Certificate, string Key)? tls,
        CancellationToken cancellation
    )
    {
        using var http = Child.Http();
        http.DefaultRequestHeaders.Add("X-Vault-Token", vault.Token);
        var bytes = Path.Combine(folder, "reply.json");
        var reply = await http.GetByteArrayAsync(new Uri(vault.Address + MeasuredVault.SecretPath), cancellation);
        await File.WriteAllBytesAsync(bytes, reply, cancellation);
        var port = Child.FreePort();
        List<string> arguments = [BareServer.Verb, $"{port}", bytes];
        if (tls is { } files)
        {
            arguments.AddRange([files.Certificate, files.Key]);
        }

        var address = $"{(tls is null ? "http" : "https")}://127.0.0.1:{port}";
        return await Child.StartAsync(Environment.ProcessPath!, arguments, address, "/", cancellation);
    }

    private static async Task<(string RoleId, string SecretId)> MakeRoleAsync(
        MeasuredVault vault,
        CancellationToken cancellation
    )
    {
        using var http = Child.Http();
        await vault.CallAsync(http, HttpMethod.Post, "/v1/sys/auth/approle", new { type = "approle" }, cancellation);
        await vault.CallAsync(
            http,
            HttpMethod.Post,
            "/v1/auth/approle/role/app",
            new { token_ttl = "1h", token_policies = "bench" },
            cancellation
        );
        var role = await vault.CallAsync(http, HttpMethod.Get, "/v1/auth/approle/role/app/role-id", null, cancellation);
        var secret = await vault.CallAsync(
            http,
            HttpMethod.Post,
            "/v1/auth/approle/role/app/secret-id",
            new { },
            cancellation
        );
        return (
            role.GetProperty("data").GetProperty("role_id").GetString()!,
            secret.GetProperty("data").GetProperty("secret_id").GetString()!
        );
    }

    /// <summary>Each request writes one of 50,000 secrets of 1 KiB: first new ones, then new versions.</summary>
    private static string Write(string token) =>
        $$$"""
            local n = 0
            local thread = 0
            function setup(t) t:set("id", thread); thread = thread + 1 end
            local body = '{"data":{"user":"orders","value":"' .. string.rep("x", 1000) .. '"}}'
            local headers = { ["X-Vault-Token"] = "{{{token}}}", ["Content-Type"] = "application/json" }
            function request()
              n = n + 1
              return wrk.format("POST", "/v1/secret/data/bench/" .. id .. "/" .. (n % 25000), headers, body)
            end
            """;

    private static string Login(string roleId, string secretId) =>
        $$"""
            wrk.method = "POST"
            wrk.path = "/v1/auth/approle/login"
            wrk.headers["Content-Type"] = "application/json"
            wrk.body = '{"role_id":"{{roleId}}","secret_id":"{{secretId}}"}'
            """;

    private static (string Certificate, string Key) MakeCertificate(string folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var paths = (Path.Combine(folder, "tls.crt"), Path.Combine(folder, "tls.key"));
        File.WriteAllText(paths.Item1, certificate.ExportCertificatePem());
        File.WriteAllText(paths.Item2, key.ExportPkcs8PrivateKeyPem());
        return paths;
    }
}
