using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Kubernetes.Tls;

/// <summary>
/// Keeps a certificate as its files are. They are read every ten seconds: a secret that is mounted changes by a link, which
/// watches of files miss. Files that cannot be used leave the certificate in use.
/// </summary>
internal sealed class CertificateFiles
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly string _certificate;
    private readonly string _key;
    private readonly ServingCertificate _serving;
    private readonly ILogger _log;
    private (string Certificate, string Key) _last;

    /// <exception cref="AgentException">The files cannot be used.</exception>
    public CertificateFiles(string certificate, string key, ServingCertificate serving, ILogger log)
    {
        _certificate = certificate;
        _key = key;
        _serving = serving;
        _log = log;
        if (Load() is { } problem)
        {
            throw new AgentException(problem);
        }
    }

    /// <summary>Looks at the files until <paramref name="cancellation"/> ends it.</summary>
    public async Task WatchAsync(TimeProvider time, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            if (Load() is { } problem)
            {
                _log.LogWarning("The certificate in use stays: {Problem}", problem);
            }
        }
    }

    private string? Load()
    {
        try
        {
            var read = (File.ReadAllText(_certificate), File.ReadAllText(_key));
            if (read == _last)
            {
                return null;
            }

            var first = _last == default;
            _last = read;
            _serving.Use(read.Item1, read.Item2);
            if (!first)
            {
                _log.LogInformation("Certificate {File} has changed, and is in use", _certificate);
            }

            return null;
        }
        catch (Exception e)
            when (e is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            return $"cannot use the certificate {_certificate} with the key {_key}: {e.Message}";
        }
    }
}
