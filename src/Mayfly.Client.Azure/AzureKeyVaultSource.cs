using Azure;
using Azure.Security.KeyVault.Secrets;
using Mayfly.Client.Secrets;

namespace Mayfly.Client.Azure;

/// <summary>
/// Secrets of Azure Key Vault. A name is a secret's name. A value that is a JSON object is the fields, any other the field
/// <c>value</c>. The version is Key Vault's; a secret with an expiry date is read again before it. Changes are found when secrets
/// are read again. Safe for concurrent use.
/// </summary>
/// <param name="client">The vault, and who reads it: <c>new SecretClient(uri, new DefaultAzureCredential())</c>.</param>
/// <param name="time">The clock for expiry dates; a test hands in its own.</param>
public sealed class AzureKeyVaultSource(SecretClient client, TimeProvider? time = null) : ISecretSource
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <inheritdoc/>
    public string Id => "azure " + client.VaultUri;

    /// <inheritdoc/>
    public async Task<FetchedSecret> FetchAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await client.GetSecretAsync(name, version: null, cancellationToken);
            var secret = FetchedSecret.Parse(reply.Value.Value);
            return new FetchedSecret(secret.Fields)
            {
                Version = reply.Value.Properties.Version,
                Ttl =
                    reply.Value.Properties.ExpiresOn is { } end
                    && end - _time.GetUtcNow() is var left
                    && left > TimeSpan.Zero
                        ? left
                        : null,
            };
        }
        catch (RequestFailedException failure)
        {
            // Its own message has the whole answer in it.
            throw new SecretSourceException(
                Reason(failure.Status),
                $"{name}: {failure.Status} {failure.ErrorCode}".TrimEnd(),
                failure
            )
            {
                RetryAfter = RetryAfter(failure),
            };
        }
        catch (ArgumentException failure)
        {
            throw new SecretSourceException(
                SecretFailure.Invalid,
                $"\"{name}\" is no name of a secret: {failure.Message}",
                failure
            );
        }
    }

    private static SecretFailure Reason(int status) =>
        status switch
        {
            401 or 403 => SecretFailure.Denied,
            404 => SecretFailure.NotFound,
            429 => SecretFailure.Throttled,
            // No answer has the status 0.
            0 or >= 500 => SecretFailure.Unreachable,
            _ => SecretFailure.Invalid,
        };

    private static TimeSpan? RetryAfter(RequestFailedException failure) =>
        failure.GetRawResponse() is { } reply
        && reply.Headers.TryGetValue("Retry-After", out var text)
        && int.TryParse(text, out var seconds)
            ? TimeSpan.FromSeconds(seconds)
            : null;
}
