using System.Globalization;
using System.Text.Json;
using Mayfly.Agent.Kv;
using Mayfly.Client;

namespace Mayfly.Agent.SecretsManager;

/// <summary>Reads the version that is asked for. AWSCURRENT is the latest, AWSPREVIOUS the one before.</summary>
internal sealed class SecretVersions(MayflyClient client, string mount, string? consumer)
{
    private const string Current = "AWSCURRENT";
    private const string Previous = "AWSPREVIOUS";

    private readonly KvMounts _mounts = new(client);

    /// <exception cref="MayflyException">The server does not answer.</exception>
    public async Task<VersionAnswer> ReadAsync(SecretQuery query, CancellationToken cancellation)
    {
        var name = SecretName.Of(query.SecretId);
        if (query.VersionStage is not (null or "" or Current or Previous))
        {
            return Missing(
                $"Secrets Manager can't find the specified secret value for staging label: {query.VersionStage}"
            );
        }

        long? wanted = null;
        if (query.VersionId is { Length: > 0 } id)
        {
            wanted = SecretName.Version(mount, name, id);
            if (wanted is null or < 1)
            {
                return Missing($"Secrets Manager can't find the specified secret value for VersionId: {id}");
            }
        }

        var path = await _mounts.ReadPathAsync($"{mount}/{name}", cancellation);
        var latest = await SendAsync(path, null, cancellation);
        if (Failure(latest) is { } failure && !(wanted is not null && Number(latest) is not null))
        {
            return failure;
        }

        var current = Number(latest) ?? 1;
        wanted ??= query.VersionStage == Previous ? current - 1 : current;
        if (wanted < 1)
        {
            return Missing("Secrets Manager can't find the specified secret value for staging label: " + Previous);
        }

        var stage =
            wanted == current ? Current
            : wanted == current - 1 ? Previous
            : null;
        if (query.VersionStage is { Length: > 0 } asked && asked != stage)
        {
            return new VersionAnswer(
                400,
                SecretValueJson.Error(
                    "InvalidRequestException",
                    "You provided a VersionStage that is not associated to the provided VersionId."
                )
            );
        }

        var reply = wanted == current ? latest : await SendAsync(path, wanted, cancellation);
        return Failure(reply)
            ?? new VersionAnswer(200, SecretValueJson.Of(mount, name, wanted.Value, stage, reply.Data))
            {
                // Whoever asks for a certain version does not follow the secret.
                Used =
                    stage == Current && query.VersionId is null or "" && Number(latest) is { } number
                        ? new UsedVersion(path, number.ToString(CultureInfo.InvariantCulture))
                        : null,
            };
    }

    private Task<MayflyResponse> SendAsync(string path, long? version, CancellationToken cancellation) =>
        client.SendAsync(
            new MayflyRequest(HttpMethod.Get, path)
            {
                Query = version is { } number ? [new("version", number.ToString(CultureInfo.InvariantCulture))] : [],
                Consumer = version is null ? consumer : null,
            },
            cancellation
        );

    /// <summary>The number of the version in a reply, of a deleted one too; null where there are no versions.</summary>
    private static long? Number(MayflyResponse reply) =>
        reply.Data.ValueKind == JsonValueKind.Object
        && reply.Data.TryGetProperty("metadata", out var metadata)
        && metadata.ValueKind == JsonValueKind.Object
        && metadata.TryGetProperty("version", out var version)
        && version.TryGetInt64(out var number)
            ? number
            : null;

    private static VersionAnswer? Failure(MayflyResponse reply) =>
        reply.Status switch
        {
            >= 200 and < 300 => null,
            404 => Missing("Secrets Manager can't find the specified secret."),
            403 => new VersionAnswer(
                400,
                SecretValueJson.Error("AccessDeniedException", "The agent may not read the specified secret.")
            ),
            // A name that cannot be a path.
            400 => new VersionAnswer(
                400,
                SecretValueJson.Error("ValidationException", "The specified secret name is not valid.")
            ),
            429 => new VersionAnswer(400, SecretValueJson.Error("ThrottlingException", "Rate exceeded")),
            _ => new VersionAnswer(
                reply.Status is >= 400 and < 500 ? 400 : 502,
                SecretValueJson.Error("InternalServiceError", "The server has failed.")
            ),
        };

    private static VersionAnswer Missing(string message) =>
        new(400, SecretValueJson.Error("ResourceNotFoundException", message));
}

/// <summary>An answer in the form of AWS's.</summary>
internal sealed record VersionAnswer(int Status, byte[] Body)
{
    /// <summary>What whoever gets the answer uses from then on; null for nothing that a rotation would wait for.</summary>
    public UsedVersion? Used { get; init; }
}

/// <summary>A version of the secret at a path of the API.</summary>
internal sealed record UsedVersion(string Path, string Version);
