using System.Globalization;
using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Seal;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/rotate</c>, <c>sys/rotate/config</c> and <c>sys/key-status</c>.</summary>
internal sealed class RotatePaths(Custody custody)
{
    public IEnumerable<PathEntry> Entries =>
        [
            Config("rotate/config"),
            Config("rotate/keyring/config"),
            Rotate("rotate/keyring"),
            Rotate("rotate"),
            new PathEntry("key-status")
            {
                Help = "Tells which key new records are encrypted under, since when, and how often it was used.",
                Read = async (_, cancellation) =>
                {
                    var (status, fault) = await custody.Rotation.StatusAsync(cancellation);
                    return status is null ? fault! : Response.Object(ResponseShape.EnvelopeAndTop, status.Write);
                },
            },
        ];

    private PathEntry Rotate(string pattern) =>
        new(pattern)
        {
            Help =
                "Makes a new encryption key; what is stored is re-wrapped in the background. Reading shows how far that is.",
            Access = Access.Sudo,
            Read = (_, _) => new(Response.Object(custody.Rotation.Progress.Write)),
            Write = async (_, cancellation) =>
                await custody.Rotation.RotateAsync(cancellation) is { } fault ? fault : Outcome.Done,
        };

    private PathEntry Config(string pattern) =>
        new(pattern)
        {
            Help = "When the encryption key is rotated by itself.",
            Access = Access.Sudo,
            Fields =
            [
                new("max_operations", FieldType.Int, "rotate after this many uses of the key"),
                new("interval", FieldType.Duration, "rotate after this time; 0 for never, at least 24h otherwise"),
                new("enabled", FieldType.Bool, "whether to rotate by itself"),
            ],
            Read = (_, _) => new(Response.Object(ResponseShape.EnvelopeAndTop, custody.Rotation.Policy.Write)),
            Write = ConfigureAsync,
        };

    private async ValueTask<Outcome> ConfigureAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var policy = custody.Rotation.Policy;
        policy = policy with
        {
            MaxOperations = request.Fields.IntOrNull("max_operations") ?? policy.MaxOperations,
            Interval = request.Fields.DurationOrNull("interval") ?? policy.Interval,
            Enabled = request.Fields.BoolOrNull("enabled") ?? policy.Enabled,
        };
        if (policy.MaxOperations is < RotationPolicy.FewestOperations or > RotationPolicy.MostOperations)
        {
            return Fault.Invalid(
                $"max_operations must be between {RotationPolicy.FewestOperations} and {RotationPolicy.MostOperations}"
            );
        }

        if (policy.Interval > TimeSpan.Zero && policy.Interval < RotationPolicy.ShortestInterval)
        {
            return Fault.Invalid("interval must be 0, or at least 24h");
        }

        return await custody.Rotation.SetPolicyAsync(policy, cancellation) is { } fault ? fault : Outcome.Done;
    }
}

/// <summary>How the replies are laid out.</summary>
internal static class RotationReplies
{
    public static void Write(this KeyStatus status, Utf8JsonWriter writer)
    {
        writer.WriteNumber("term", status.Version);
        writer.WriteString("install_time", status.CreatedAt.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
        writer.WriteNumber("encryptions", status.Uses);
    }

    public static void Write(this RotationPolicy policy, Utf8JsonWriter writer)
    {
        writer.WriteNumber("max_operations", policy.MaxOperations);
        writer.WriteNumber("interval", (long)policy.Interval.TotalSeconds);
        writer.WriteBoolean("enabled", policy.Enabled);
    }

    public static void Write(this RewrapProgress progress, Utf8JsonWriter writer)
    {
        writer.WriteNumber("term", progress.Version);
        writer.WriteBoolean("complete", progress.Complete);
        writer.WriteNumber("looked_at", progress.Looked);
        writer.WriteNumber("rewrapped", progress.Rewrapped);
        writer.WriteNumber("damaged", progress.Damaged);
    }
}
