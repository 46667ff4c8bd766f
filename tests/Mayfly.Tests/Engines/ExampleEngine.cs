using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Tests.Engines;

/// <summary>Counts: each name has a number that every write makes larger. The example of docs/engines/adding-an-engine.md.</summary>
internal sealed class ExampleEngine : Engine
{
    private readonly View _view;

    private ExampleEngine(MountContext context)
    {
        _view = context.View;
        Paths = new PathTable(
            new PathEntry("counter/{name}")
            {
                Help = "Reads a counter, adds to it, or removes it.",
                Fields =
                [
                    new FieldSpec("name", FieldType.String, "Name of the counter."),
                    new FieldSpec("by", FieldType.Int, "How much to add; 1 when not given."),
                ],
                Read = ReadAsync,
                Write = AddAsync,
                Delete = DeleteAsync,
            },
            new PathEntry("counter") { Help = "Lists the names of all counters.", List = ListAsync }
        );
    }

    public static EngineType Type { get; } =
        new("example", EngineKind.Secrets, "Counts.", context => new ExampleEngine(context));

    public override PathTable Paths { get; }

    private async ValueTask<Outcome> ReadAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        using var entry = await _view.GetAsync(Record(request), cancellation);
        return entry is null ? Fault.NotFound() : Reply(BitConverter.ToInt64(entry.Value.Span));
    }

    private async ValueTask<Outcome> AddAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        using var entry = await _view.GetAsync(Record(request), cancellation);
        var count = entry is null ? 0 : BitConverter.ToInt64(entry.Value.Span);
        var sum = unchecked(count + request.Fields.Int("by", fallback: 1));

        // The write depends on what was read: of two at the same time, one is told to try again.
        var result = await _view.PutAsync(
            Record(request),
            BitConverter.GetBytes(sum),
            cancellation,
            expectedVersion: entry?.Version ?? 0
        );
        return result.Succeeded ? Reply(sum) : Fault.From(result);
    }

    private async ValueTask<Outcome> DeleteAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        Outcome.From(await _view.DeleteAsync(Record(request), cancellation));

    private async ValueTask<Outcome> ListAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        Response.Keys(await _view.ListAsync("counter/", cancellation));

    private static string Record(AuthorizedRequest request) => $"counter/{request.Fields.String("name")}";

    private static Response Reply(long count) => Response.Object(writer => writer.WriteNumber("count", count));
}
