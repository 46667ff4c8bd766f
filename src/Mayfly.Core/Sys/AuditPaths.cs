using System.Text.Json;
using Mayfly.Core.Audit;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/audit</c> and what belongs to it: devices, hashes, recorded headers, and what verification needs.</summary>
internal sealed class AuditPaths
{
    private readonly AuditBroker _audit;

    public AuditPaths(AuditBroker audit)
    {
        _audit = audit;
        var path = new FieldSpec("path", FieldType.String, "The name of the device.");
        var header = new FieldSpec("header", FieldType.String, "The name of the request header; case does not matter.");
        Entries =
        [
            new PathEntry("audit")
            {
                Help = "Lists the audit devices, and how they are.",
                Access = Access.Sudo,
                Read = List,
            },
            new PathEntry("audit/{path*}")
            {
                Help = "Enables an audit device, shows how it is, or disables it.",
                Access = Access.Sudo,
                Fields =
                [
                    path,
                    new FieldSpec("type", FieldType.String, "file, syslog or socket."),
                    new FieldSpec("description", FieldType.String, "For people."),
                    new FieldSpec("options", FieldType.StringMap, "What the type takes; see the docs."),
                    new FieldSpec("local", FieldType.Bool, "Kept, and shown; there is no replication."),
                ],
                Read = Read,
                Write = EnableAsync,
                Delete = DisableAsync,
            },
            new PathEntry("audit-hash/{path*}")
            {
                Help = "The form in which a device's entries show a string, so that it can be searched for.",
                Fields = [path, new FieldSpec("input", FieldType.String, "The string.") { Required = true }],
                Write = Hash,
            },
            new PathEntry("audit-head/{path*}")
            {
                Help =
                    "The newest signed checkpoint of a device's log: what a verification compares the log's end with.",
                Access = Access.Sudo,
                Fields = [path],
                Read = HeadAsync,
            },
            new PathEntry("audit-public-key")
            {
                Help = "The public key that verifies the checkpoints of audit logs.",
                Read = PublicKey,
            },
            new PathEntry("config/auditing/request-headers")
            {
                Help = "The request headers that entries show.",
                Access = Access.Sudo,
                Read = Headers,
            },
            new PathEntry("config/auditing/request-headers/{header}")
            {
                Help = "Shows a request header in entries, or no longer.",
                Access = Access.Sudo,
                Fields = [header, new FieldSpec("hmac", FieldType.Bool, "Show its hash instead of the value.")],
                Read = Header,
                Write = SetHeaderAsync,
                Delete = RemoveHeaderAsync,
            },
        ];
    }

    public IEnumerable<PathEntry> Entries { get; }

    private ValueTask<Outcome> List(AuthorizedRequest request, CancellationToken cancellation) =>
        new(
            Response.Object(
                ResponseShape.EnvelopeAndTop,
                writer =>
                {
                    foreach (var device in _audit.Devices)
                    {
                        writer.WriteStartObject(device.Record.Path);
                        Write(writer, device);
                        writer.WriteEndObject();
                    }
                }
            )
        );

    private ValueTask<Outcome> Read(AuthorizedRequest request, CancellationToken cancellation) =>
        new(
            Find(request) is { } device
                ? Response.Object(ResponseShape.EnvelopeAndTop, writer => Write(writer, device))
                : Fault.NotFound()
        );

    private static void Write(Utf8JsonWriter writer, AuditDevice device)
    {
        var record = device.Record;
        writer.WriteString("type", record.Type);
        writer.WriteString("description", record.Description);
        writer.WriteStartObject("options");
        foreach (var (key, value) in record.Options)
        {
            writer.WriteString(key, value);
        }

        writer.WriteEndObject();
        writer.WriteBoolean("local", record.Local);
        writer.WriteString("path", record.Path);
        var status = device.Status;
        writer.WriteStartObject("status");
        writer.WriteBoolean("works", status.Works);
        if (status.Failure is { } failure)
        {
            writer.WriteString("failure", failure);
            writer.WriteString("failed_since", status.FailedSince);
        }

        writer.WriteNumber("lost", status.Lost);
        if (status.Remark is { } remark)
        {
            writer.WriteString("remark", remark);
        }

        writer.WriteEndObject();
    }

    private async ValueTask<Outcome> EnableAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var path = PathOf(request);
        var type = request.Fields.String("type");
        if (path.Length == 0)
        {
            return Fault.Invalid("the device needs a name: sys/audit/NAME");
        }

        if (type.Length == 0)
        {
            return Fault.Invalid("missing type: file, syslog or socket");
        }

        var record = new AuditDeviceRecord
        {
            Uuid = Guid.NewGuid().ToString(),
            Path = path,
            Type = type,
            Description = request.Fields.String("description"),
            Local = request.Fields.Bool("local"),
            Options =
                request.Fields.StringMapOrNull("options") ?? new Dictionary<string, string>(StringComparer.Ordinal),
        };
        return await _audit.EnableAsync(record, cancellation) is { } fault ? fault : Outcome.Done;
    }

    private async ValueTask<Outcome> DisableAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        await _audit.DisableAsync(PathOf(request), cancellation) is { } fault ? fault : Outcome.Done;

    private ValueTask<Outcome> Hash(AuthorizedRequest request, CancellationToken cancellation)
    {
        var input = request.Fields.String("input");
        return new(
            Find(request) is { } device
                ? Response.Object(
                    ResponseShape.EnvelopeAndTop,
                    writer => writer.WriteString("hash", device.Hash(input))
                )
                : Fault.Invalid($"unknown audit backend \"{PathOf(request)}\"")
        );
    }

    private async ValueTask<Outcome> HeadAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (Find(request) is not { } device)
        {
            return Fault.NotFound();
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(device.Settings.WriteTimeout);
        try
        {
            await device.CheckpointAsync().WaitAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Fault.Unavailable("the device does not answer");
        }

        if (device.Head is not { } head)
        {
            return Fault.Unavailable("the device has not written a checkpoint yet");
        }

        var position = device.Position;
        return Response.Object(writer =>
        {
            writer.WriteNumber("seq", position.Sequence);
            writer.WriteString("hash", position.Hash);
            writer.WriteString("checkpoint", head.AsSpan().TrimEnd((byte)'\n'));
            writer.WriteString("key_id", _audit.SigningKey.Id);
        });
    }

    private ValueTask<Outcome> PublicKey(AuthorizedRequest request, CancellationToken cancellation) =>
        new(
            Response.Object(writer =>
            {
                writer.WriteString("public_key", _audit.SigningKey.PublicKeyPem);
                writer.WriteString("key_id", _audit.SigningKey.Id);
                writer.WriteString("algorithm", "ECDSA-P256-SHA256");
            })
        );

    private ValueTask<Outcome> Headers(AuthorizedRequest request, CancellationToken cancellation) =>
        new(
            Response.Object(
                ResponseShape.EnvelopeAndTop,
                writer =>
                {
                    writer.WriteStartObject("headers");
                    foreach (var (name, hashed) in _audit.Headers.Recorded)
                    {
                        Write(writer, name, hashed);
                    }

                    writer.WriteEndObject();
                }
            )
        );

    private ValueTask<Outcome> Header(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = HeaderOf(request);
        return new(
            _audit.Headers.Recorded.TryGetValue(name, out var hashed)
                ? Response.Object(ResponseShape.EnvelopeAndTop, writer => Write(writer, name, hashed))
                : Fault.Invalid("Could not find header in config")
        );
    }

    private async ValueTask<Outcome> SetHeaderAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        await _audit.SetHeaderAsync(HeaderOf(request), request.Fields.Bool("hmac"), cancellation) is { } fault
            ? fault
            : Outcome.Done;

    private async ValueTask<Outcome> RemoveHeaderAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        await _audit.SetHeaderAsync(HeaderOf(request), hashed: null, cancellation) is { } fault ? fault : Outcome.Done;

    private static void Write(Utf8JsonWriter writer, string name, bool hashed)
    {
        writer.WriteStartObject(name);
        writer.WriteBoolean("hmac", hashed);
        writer.WriteEndObject();
    }

    private AuditDevice? Find(AuthorizedRequest request) => _audit.Find(PathOf(request));

    private static string PathOf(AuthorizedRequest request)
    {
        var path = request.Fields.String("path").Trim('/');
        return path.Length == 0 ? "" : path + "/";
    }

    private static string HeaderOf(AuthorizedRequest request) => request.Fields.String("header").ToLowerInvariant();
}
