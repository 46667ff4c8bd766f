using System.Buffers.Binary;
using System.Text.Json;
using Mayfly.Core.Events;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Crypto;
using Mayfly.Hcl;

namespace Mayfly.Core.Engines.Kv;

/// <summary>
/// Key-value without versions: a JSON object at each path. A member <c>ttl</c> (or <c>lease</c>) tells readers how long to
/// trust it. A record is the TTL (ticks, little-endian; -1 when there is none) followed by the object as it was sent.
/// When the mount changes to versions, its successor sets a mark, and nothing more is written here.
/// </summary>
internal sealed class PlainKv : Engine, IHoldsSecrets
{
    public const string Folder = "plain/";
    private const int HeaderSize = 8;
    private static readonly TimeSpan DefaultTtl = TimeSpan.FromHours(768);

    private readonly View _view;
    private readonly View _records;
    private readonly TimeSpan _ttl;
    private readonly EventSource _events;

    public PlainKv(MountContext context)
    {
        _view = context.View;
        _records = context.View.Sub(Folder);
        _events = context.Events;
        _ttl = context.Mount.Tuning.DefaultLeaseTtl > TimeSpan.Zero ? context.Mount.Tuning.DefaultLeaseTtl : DefaultTtl;
        Paths = new PathTable(
            new PathEntry("{path*}")
            {
                Help =
                    "Reads, writes, lists and deletes secrets. The body of a write is the secret itself; a member "
                    + "ttl, if any, becomes the lease_duration of its reads.",
                FreeForm = true,
                Fields = [new FieldSpec("path", FieldType.String, "Location of the secret.")],
                Read = ReadAsync,
                List = ListAsync,
                Write = WriteAsync,
                Delete = DeleteAsync,
                Exists = ExistsAsync,
            }
        );
    }

    public override PathTable Paths { get; }

    /// <summary>The secret in a record: a JSON object.</summary>
    public static ReadOnlyMemory<byte> Value(Entry entry) => entry.Value.Memory[HeaderSize..];

    public async ValueTask VisitAsync(SecretVisitor visitor, CancellationToken cancellation)
    {
        const int PerPage = 256;
        string? after = null;
        while (true)
        {
            var page = await _records.ScanAsync("", after, PerPage, cancellation);
            foreach (var (path, entry) in page)
            {
                using (entry)
                {
                    visitor(new HeldSecret("", "", path, "", IsCurrent: true), Value(entry).Span);
                }

                after = path;
            }

            if (page.Count < PerPage)
            {
                return;
            }
        }
    }

    private async ValueTask<Outcome> ReadAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var path = request.Fields.String("path");
        if (KeyPath.Problem(path, request.Operation) is { } problem)
        {
            return problem;
        }

        var entry = await _records.GetAsync(path, cancellation);
        if (entry is null)
        {
            return await KvUpgrade.HasBegunAsync(_view, cancellation) ? KvUpgrade.Busy() : Fault.NotFound();
        }

        var ttl = BinaryPrimitives.ReadInt64LittleEndian(entry.Value.Span);
        return new Response(Value(entry), entry) { LeaseDuration = ttl < 0 ? _ttl : new TimeSpan(ttl) };
    }

    private async ValueTask<Outcome> WriteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var path = request.Fields.String("path");
        if (KeyPath.Problem(path, request.Operation) is { } problem)
        {
            return problem;
        }

        if (request.Fields.Body is not { ValueKind: JsonValueKind.Object } body || body.GetPropertyCount() == 0)
        {
            return Fault.Invalid("missing data fields");
        }

        using var record = SecretBytes.Rent(HeaderSize + request.Body.Length);
        BinaryPrimitives.WriteInt64LittleEndian(record.Span, Ttl(body)?.Ticks ?? -1);
        request.Body.Span.CopyTo(record.Span[HeaderSize..]);
        var batch = new Batch();
        _records.Put(batch, path, record.Span);
        return await CommitAsync(batch, "kv-v1/write", path, cancellation);
    }

    private async ValueTask<Outcome> DeleteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var path = request.Fields.String("path");
        if (KeyPath.Problem(path, request.Operation) is { } problem)
        {
            return problem;
        }

        var batch = new Batch();
        _records.Delete(batch, path);
        return await CommitAsync(batch, "kv-v1/delete", path, cancellation);
    }

    private async ValueTask<Outcome> CommitAsync(
        Batch batch,
        string eventType,
        string path,
        CancellationToken cancellation
    )
    {
        // The commit depends on nothing else, so a conflict can only be the mark.
        KvUpgrade.ExpectNotBegun(_view, batch);
        var result = await _records.CommitAsync(batch, cancellation);
        if (result.Succeeded && _events.IsHeard)
        {
            _events.Publish(eventType, path, path);
        }

        return result.Status == CommitStatus.Conflict ? KvUpgrade.Busy() : Outcome.From(result);
    }

    private async ValueTask<Outcome> ListAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var path = request.Fields.String("path");
        return KeyPath.FolderProblem(path) is { } problem
            ? problem
            : Response.Keys(await _records.ListAsync(KeyPath.Folder(path), cancellation));
    }

    private async ValueTask<bool> ExistsAsync(PathMatch match, CancellationToken cancellation)
    {
        var path = match.Captures["path"]!;
        return KeyPath.Problem(path, Operation.Update) is null && await _records.ExistsAsync(path, cancellation);
    }

    private static TimeSpan? Ttl(JsonElement body)
    {
        if (!body.TryGetProperty("ttl", out var ttl) && !body.TryGetProperty("lease", out ttl))
        {
            return null;
        }

        return ttl.ValueKind switch
        {
            JsonValueKind.String when Durations.TryParse(ttl.GetString(), out var duration) => duration,
            JsonValueKind.Number
                when ttl.TryGetDecimal(out var seconds) && Durations.TryFrom(seconds, out var duration) => duration,
            _ => null,
        };
    }
}
