namespace Mayfly.Agent.Kubernetes;

/// <summary>How the injector runs. Immutable.</summary>
internal sealed record InjectorOptions
{
    /// <summary>Where it listens: <c>:8080</c>, or <c>127.0.0.1:0</c> for a free port.</summary>
    public string Listen { get; init; } = ":8080";

    /// <summary>A PEM file with the certificate and its chain; looked at every ten seconds.</summary>
    public string CertificateFile { get; init; } = "";

    /// <summary>A PEM file with its private key.</summary>
    public string KeyFile { get; init; } = "";

    /// <summary>
    /// The webhook configuration to write an own certificate authority into, instead of files; empty for files.
    /// </summary>
    public string TlsAuto { get; init; } = "";

    /// <summary>The names that the own certificate is for.</summary>
    public IReadOnlyList<string> TlsAutoHosts { get; init; } = [];

    /// <summary>The secret, in the injector's namespace, by which replicas share their certificate.</summary>
    public string TlsAutoSecret { get; init; } = "mayfly-injector-certs";

    /// <summary>How much it logs: <c>trace</c>, <c>debug</c>, <c>info</c>, <c>warn</c> or <c>error</c>.</summary>
    public string LogLevel { get; init; } = "info";

    /// <summary>How it logs: <c>standard</c> or <c>json</c>.</summary>
    public string LogFormat { get; init; } = "standard";

    /// <summary>What pods get.</summary>
    public InjectorDefaults Defaults { get; init; } = new();

    /// <summary>Time. Tests move it.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where the API server is and how to call it; null for what Kubernetes gives every pod.</summary>
    public Tls.ApiServerAccess? ApiServer { get; init; }
}
