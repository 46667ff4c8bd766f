namespace Mayfly.Agent.Kubernetes;

/// <summary>Whose annotations ask for the agent, and the names and paths that a pod gets with them.</summary>
/// <param name="Prefix">What its annotations begin with.</param>
/// <param name="Word">What its containers, volumes and folders are called after.</param>
internal sealed record Dialect(string Prefix, string Word)
{
    public static readonly Dialect Mayfly = new("mayfly.dev/", "mayfly");

    /// <summary>The names that programs and people know from Vault's injector.</summary>
    public static readonly Dialect Vault = new("vault.hashicorp.com/", "vault");

    public string Sidecar => $"{Word}-agent";

    public string InitContainer => $"{Word}-agent-init";

    public string SecretsVolume => $"{Word}-secrets";

    public string SecretsFolder => $"/{Word}/secrets";

    public string ConfigVolume => $"{Word}-config";

    public string ConfigFolder => $"/{Word}/configs";

    public string ExtraSecretVolume => $"{Word}-extra-secret";

    public string ExtraSecretFolder => $"/{Word}/custom";

    public string TlsVolume => $"{Word}-tls-secrets";

    public string TlsFolder => $"/{Word}/tls";

    public string TokenVolume => $"{Word}-agent-token";

    public string TokenFolder => $"/var/run/secrets/{Prefix}serviceaccount";

    /// <summary>The agent's home: the only folder besides the secrets that it can write to.</summary>
    public string HomeFolder => $"/home/{Word}";

    /// <summary>Where the agent keeps its token, and the command line in its container finds it.</summary>
    public string TokenFile => $"{HomeFolder}/.{Word}-token";
}
