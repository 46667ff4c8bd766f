namespace Mayfly.Server.Startup;

/// <summary>What a development server prints when it is ready. Scripts read the two lines with the key and the token.</summary>
internal static class Banner
{
    /// <summary>The last line before the log: from here on the server answers.</summary>
    public const string Started = "==> Server started. Log data will stream in below:";

    public static string Text(string url, DevKeys keys, string? folder) =>
        $"""
            ==> Mayfly {Versions.Own} in development mode, {(
                folder is null ? "data in memory: they are lost at the end" : $"data in {folder}"
            )}

            ==> Listening at {url}
            Unsealed, KV version 2 at secret/{(folder is null ? "" : $", audit in {Path.Combine(folder, "audit.log")}")}

            Unseal Key: {keys.UnsealKey}
            Root Token: {keys.RootToken}

            Development mode keeps key and token in clear, and is not for production.

            Three things to try in another terminal:

              export MAYFLY_ADDR='{url}' MAYFLY_TOKEN='{keys.RootToken}'
              mayfly kv put secret/hello name=world
              mayfly kv get secret/hello
              curl -H "X-Vault-Token: $MAYFLY_TOKEN" $MAYFLY_ADDR/v1/secret/data/hello

            {Started}

            """;
}
