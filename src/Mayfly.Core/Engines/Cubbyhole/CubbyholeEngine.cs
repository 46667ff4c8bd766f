using System.Text.Json;
using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Engines.Cubbyhole;

/// <summary>A place of its own for each token: no other token, not even root, can look into it, and it ends with the token.</summary>
internal sealed class CubbyholeEngine : Engine
{
    private readonly View _view;
    private readonly ILogger _log;

    private CubbyholeEngine(MountContext context)
    {
        _view = context.View;
        _log = context.Log;
        Paths = new PathTable(
            new PathEntry("{path*}")
            {
                Help = "Reads, writes, lists and deletes secrets that only this token can see, and that end with it.",
                FreeForm = true,
                Fields = [new FieldSpec("path", FieldType.String, "Location of the secret.")],
                Read = ReadAsync,
                List = ListAsync,
                Write = WriteAsync,
                Delete = DeleteAsync,
            }
        );
    }

    public static EngineType Type { get; } =
        new(
            "cubbyhole",
            EngineKind.Secrets,
            "Secrets that one token alone can see.",
            context => new CubbyholeEngine(context)
        )
        {
            BuiltIn = true,
        };

    public override PathTable Paths { get; }

    public override async ValueTask OnTokenEndedAsync(string accessor, CancellationToken cancellation)
    {
        if (accessor.Length == 0)
        {
            return;
        }

        var result = await _view.DeleteTreeAsync(accessor + "/", cancellation);
        if (!result.Succeeded)
        {
            _log.LogWarning("a token's cubbyhole could not be removed: {Reason}", result.Reason);
        }
    }

    private async ValueTask<Outcome> ReadAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (!TryRecord(request, out var record, out var fault))
        {
            return fault;
        }

        var entry = await _view.GetAsync(record, cancellation);
        return entry is null ? Fault.NotFound() : new Response(entry.Value.Memory, entry);
    }

    private async ValueTask<Outcome> WriteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (!TryRecord(request, out var record, out var fault))
        {
            return fault;
        }

        if (request.Fields.Body is not { ValueKind: JsonValueKind.Object } body || body.GetPropertyCount() == 0)
        {
            return Fault.Invalid("missing data fields");
        }

        return Outcome.From(await _view.PutAsync(record, request.Body.Span, cancellation));
    }

    private async ValueTask<Outcome> DeleteAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        TryRecord(request, out var record, out var fault)
            ? Outcome.From(await _view.DeleteAsync(record, cancellation))
            : fault;

    private async ValueTask<Outcome> ListAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var path = request.Fields.String("path");
        var fault = TokenProblem(request.Caller.Token) ?? KeyPath.FolderProblem(path);
        return fault
            ?? Response.Keys(
                await _view.ListAsync($"{request.Caller.Token.Accessor}/{KeyPath.Folder(path)}", cancellation)
            );
    }

    private static bool TryRecord(AuthorizedRequest request, out string record, out Fault fault)
    {
        var path = request.Fields.String("path");
        fault = (TokenProblem(request.Caller.Token) ?? KeyPath.Problem(path, request.Operation))!;
        record = $"{request.Caller.Token.Accessor}/{path}";
        return fault is null;
    }

    /// <summary>A batch token has no end that anybody is told of, so what it left behind would stay for ever.</summary>
    private static Fault? TokenProblem(TokenEntry token) =>
        token.Type == TokenType.Batch || token.Accessor.Length == 0
            ? Fault.Invalid("cubbyhole operations are only supported by \"service\" type tokens")
            : null;
}
