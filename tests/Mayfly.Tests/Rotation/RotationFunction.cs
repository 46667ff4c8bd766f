using System.Diagnostics;
using System.Text.Json;

namespace Mayfly.Tests.Rotation;

/// <summary>
/// A rotation function written for AWS, in Python, served to Mayfly as samples/rotation does it; it rotates the password of an
/// account in a file. A test can have it fail or wait at a step.
/// </summary>
internal sealed class RotationFunction : IAsyncDisposable
{
    public const string SigningKey = "the key of the rotation's calls";

    /// <summary>The interpreter of Debian's packages, whatever else the PATH offers.</summary>
    private const string Python = "/usr/bin/python3";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly string _folder;

    private RotationFunction(Process process, string folder)
    {
        _process = process;
        _folder = folder;
    }

    public string Url { get; private set; } = "";

    private string Accounts => Path.Combine(_folder, "accounts.json");

    private string TroubleFile => Path.Combine(_folder, "trouble");

    /// <summary>Starts it. It learns from each call where to call back.</summary>
    /// <param name="password">The password that the account <c>app</c> has at first.</param>
    public static async Task<RotationFunction> StartAsync(string password)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-function-").FullName;
        var samples = Path.Combine(Repository.Root, "samples", "rotation");
        var port = Path.Combine(folder, "port");
        var start = new ProcessStartInfo(Python) { UseShellExecute = false };
        start.ArgumentList.Add(Path.Combine(samples, "serve.py"));
        start.ArgumentList.Add("troubled");
        start.ArgumentList.Add(port);
        start.Environment["PYTHONPATH"] =
            $"{samples}:{Path.Combine(Repository.Root, "tests", "Mayfly.Tests", "Rotation", "functions")}";
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        start.Environment.Remove("MAYFLY_ADDR");
        start.Environment["ROTATION_SIGNING_KEY"] = SigningKey;
        var process = new Process { StartInfo = start };
        var function = new RotationFunction(process, folder);
        start.Environment["ACCOUNTS"] = function.Accounts;
        start.Environment["TROUBLE"] = function.TroubleFile;
        await File.WriteAllTextAsync(
            function.Accounts,
            JsonSerializer.Serialize(new Dictionary<string, string> { ["app"] = password })
        );
        process.Start();
        await WaitForAsync(() => File.Exists(port), "the rotation function did not start");
        function.Url = $"http://127.0.0.1:{await File.ReadAllTextAsync(port)}/";
        return function;
    }

    /// <summary>The password that the account has now.</summary>
    public async Task<string> PasswordAsync() =>
        JsonDocument
            .Parse(await File.ReadAllTextAsync(Accounts, TestContext.Current.CancellationToken))
            .RootElement.GetProperty("app")
            .GetString()!;

    /// <summary>Has something go wrong: <c>before STEP</c> and <c>after STEP</c> wait, <c>fail STEP</c> fails.</summary>
    public void Trouble(string what) => File.WriteAllText(TroubleFile, what);

    /// <summary>Waits until the trouble has been met.</summary>
    public Task MetAsync() => WaitForAsync(() => File.Exists(TroubleFile + ".met"), "the step was never reached");

    public void EndTrouble()
    {
        File.Delete(TroubleFile);
        File.Delete(TroubleFile + ".met");
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Looks again and again, for a while.</summary>
    public static async Task WaitForAsync(Func<bool> isThere, string otherwise)
    {
        var start = Stopwatch.GetTimestamp();
        while (!isThere())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience, otherwise);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
