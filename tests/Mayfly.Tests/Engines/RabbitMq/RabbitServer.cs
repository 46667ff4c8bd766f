using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace Mayfly.Tests.Engines.RabbitMq;

/// <summary>
/// A RabbitMQ of its own with the management plugin: on free ports of the loopback address, with folders of its own, and an
/// Erlang port mapper of its own, all gone when the tests are.
/// </summary>
public sealed class RabbitServer : IAsyncDisposable
{
    public const string Admin = "vault-admin";
    public const string Password = "the admin's \"p@ss/wörd\" %41";

    // The real one has characters that the configuration file cannot hold.
    private const string FirstPassword = "first";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly StringBuilder _output = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("mayfly-rabbit-").FullName;
    private readonly string _node = $"mayfly-{Guid.NewGuid():N}@localhost";
    private readonly int _mapperPort = FreePort.Choose();
    private readonly HttpClient _http = new();
    private string _password = FirstPassword;
    private Process? _mapper;
    private Process? _broker;

    private RabbitServer() { }

    /// <summary>The management API, such as <c>http://127.0.0.1:15672</c>.</summary>
    public string Api { get; } = $"http://127.0.0.1:{FreePort.Choose()}";

    /// <summary>The same with TLS.</summary>
    public string SecureApi { get; } = $"https://127.0.0.1:{FreePort.Choose()}";

    /// <summary>Where AMQP is spoken.</summary>
    public int AmqpPort { get; } = FreePort.Choose();

    /// <summary>The certificate of <see cref="SecureApi"/>, which signed itself, in PEM.</summary>
    public string Certificate { get; private set; } = "";

    public static async Task<RabbitServer> StartAsync()
    {
        var server = new RabbitServer();
        try
        {
            await server.WriteSettingsAsync();
            await server.RunAsync();
            var settings = JsonSerializer.Serialize(
                new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["password"] = Password,
                    ["tags"] = "administrator",
                }
            );
            // What a fresh broker has.
            await server.CallAsync(HttpMethod.Put, "users/guest", """{"password":"guest","tags":"administrator"}""");
            await server.CallAsync(HttpMethod.Put, $"users/{Admin}", settings);
            server._password = Password;
            return server;
        }
        catch (Exception failure)
        {
            await server.DisposeAsync();
            string output;
            lock (server._output)
            {
                output = server._output.ToString();
            }

            throw new InvalidOperationException($"rabbitmq-server did not start: {output}", failure);
        }
    }

    /// <summary>Starts it, again on its data after <see cref="KillAsync"/>, and waits until it answers.</summary>
    public async Task RunAsync()
    {
        // The broker finds it there, and leaves none of its own behind.
        _mapper ??= Start("epmd", ["-port", $"{_mapperPort}", "-address", "127.0.0.1"]);
        _broker = Start(
            "/usr/lib/rabbitmq/bin/rabbitmq-server",
            [],
            new()
            {
                ["HOME"] = _folder,
                ["ERL_EPMD_PORT"] = $"{_mapperPort}",
                ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
                ["RABBITMQ_NODENAME"] = _node,
                ["RABBITMQ_NODE_PORT"] = $"{AmqpPort}",
                ["RABBITMQ_NODE_IP_ADDRESS"] = "127.0.0.1",
                ["RABBITMQ_DIST_PORT"] = $"{FreePort.Choose()}",
                ["RABBITMQ_MNESIA_BASE"] = Path.Combine(_folder, "data"),
                ["RABBITMQ_LOG_BASE"] = Path.Combine(_folder, "log"),
                ["RABBITMQ_PID_FILE"] = Path.Combine(_folder, "pid"),
                ["RABBITMQ_CONFIG_FILE"] = Path.Combine(_folder, "rabbitmq.conf"),
                ["RABBITMQ_CONF_ENV_FILE"] = Path.Combine(_folder, "none"),
                ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(_folder, "plugins"),
            }
        );
        using var limit = new CancellationTokenSource(Patience);
        while (!await AnswersAsync(limit.Token))
        {
            if (_broker.HasExited)
            {
                throw new InvalidOperationException("it stopped");
            }

            await Task.Delay(100, limit.Token);
        }
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        _broker!.Kill(entireProcessTree: true);
        await _broker.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
        _broker.Dispose();
        _broker = null;
    }

    /// <summary>Asks the management API as the administrator.</summary>
    public async Task<(HttpStatusCode Status, string Body)> CallAsync(
        HttpMethod method,
        string path,
        string? body = null
    )
    {
        using var request = new HttpRequestMessage(method, $"{Api}/api/{path}");
        request.Headers.Authorization = new AuthenticationHeaderValue(
            "Basic",
            Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Admin}:{_password}"))
        );
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        using var response = await _http.SendAsync(request, CancellationToken.None);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(CancellationToken.None));
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (_broker is not null)
        {
            await KillAsync();
        }

        if (_mapper is not null)
        {
            _mapper.Kill();
            await _mapper.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
            _mapper.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task<bool> AnswersAsync(CancellationToken cancellation)
    {
        try
        {
            return (await CallAsync(HttpMethod.Get, "overview").WaitAsync(cancellation)).Status == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async Task WriteSettingsAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=rabbit of the tests", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var certificate = request.CreateSelfSigned(
            TimeProvider.System.GetUtcNow().AddDays(-1),
            TimeProvider.System.GetUtcNow().AddDays(30)
        );
        Certificate = certificate.ExportCertificatePem();
        var certificateFile = Path.Combine(_folder, "certificate.pem");
        var keyFile = Path.Combine(_folder, "key.pem");
        await File.WriteAllTextAsync(certificateFile, Certificate);
        await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem());
        await File.WriteAllTextAsync(Path.Combine(_folder, "plugins"), "[rabbitmq_management].\n");
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "rabbitmq.conf"),
            $"""
            default_user = {Admin}
            default_pass = {FirstPassword}
            management.tcp.ip = 127.0.0.1
            management.tcp.port = {new Uri(Api).Port}
            management.ssl.ip = 127.0.0.1
            management.ssl.port = {new Uri(SecureApi).Port}
            management.ssl.certfile = {certificateFile}
            management.ssl.keyfile = {keyFile}
            vm_memory_high_watermark.relative = 0.2
            disk_free_limit.absolute = 1MB

            """
        );
    }

    private Process Start(string program, string[] arguments, Dictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        foreach (var (name, value) in environment ?? [])
        {
            start.Environment[name] = value;
        }

        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Hear(line.Data);
        process.ErrorDataReceived += (_, line) => Hear(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Hear(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }
    }
}
