using System.Security.Cryptography;
using Mayfly.Core.Storage;
using Mayfly.Crypto;
using Mayfly.Crypto.Audit;

namespace Mayfly.Core.Audit;

/// <summary>The server's key for the checkpoints of its logs. It lives in the store, encrypted, and nowhere else.</summary>
internal sealed class AuditSigningKey : IDisposable
{
    private const string Record = "signing-key";

    private readonly byte[] _publicKey;

    private AuditSigningKey(ECDsa key)
    {
        Key = key;
        _publicKey = key.ExportSubjectPublicKeyInfo();
        Id = AuditChain.KeyId(_publicKey);
        PublicKeyBase64 = Convert.ToBase64String(_publicKey);
        PublicKeyPem = key.ExportSubjectPublicKeyInfoPem();
    }

    /// <summary>Not safe for concurrent use: each writer opens its own with <see cref="Copy"/>.</summary>
    public ECDsa Key { get; }

    public string Id { get; }

    public string PublicKeyBase64 { get; }

    public string PublicKeyPem { get; }

    /// <summary>Reads the key, or makes it when there is none.</summary>
    public static async ValueTask<AuditSigningKey> OpenAsync(View view, CancellationToken cancellation)
    {
        while (true)
        {
            using (var entry = await view.GetAsync(Record, cancellation))
            {
                if (entry is not null)
                {
                    var known = ECDsa.Create();
                    known.ImportPkcs8PrivateKey(entry.Value.Span, out _);
                    return new AuditSigningKey(known);
                }
            }

            var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var exported = made.ExportPkcs8PrivateKey();
            using var bytes = SecretBytes.CopyOf(exported);
            CryptographicOperations.ZeroMemory(exported);
            var result = await view.PutAsync(Record, bytes.Span, cancellation, expectedVersion: 0);
            if (result.Status == CommitStatus.Conflict)
            {
                made.Dispose();
                continue;
            }

            // When the store cannot write now, this run signs with a key that the next run will not know: the start
            // line of every file names its key, so the logs stay checkable.
            return new AuditSigningKey(made);
        }
    }

    /// <summary>The same key for another owner.</summary>
    public ECDsa Copy()
    {
        var parameters = Key.ExportParameters(includePrivateParameters: true);
        try
        {
            return ECDsa.Create(parameters);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(parameters.D);
        }
    }

    public void Dispose() => Key.Dispose();
}
