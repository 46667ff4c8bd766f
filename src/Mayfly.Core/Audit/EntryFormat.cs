using System.Runtime.CompilerServices;
using Mayfly.Core.Identity;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;

namespace Mayfly.Core.Audit;

/// <summary>
/// Lays out entries in Vault's shape for one device, without the closing brace: the chain follows. What both entries of a
/// request say (<c>auth</c> and <c>request</c>) is written once. One owner at a time.
/// </summary>
internal sealed class EntryFormat(AuditDevice device)
{
    /// <summary>
    /// More than this is not written of a request without a valid token: nobody may fill the disk who may do nothing else.
    /// </summary>
    private const int MostAnonymousBytes = 8 * 1024;

    private const int MostAnonymousParameters = 64;

    private static readonly ConditionalWeakTable<Mount, byte[]> Mounts = [];

    private readonly LineBuffer _request = new();
    private readonly LineBuffer _response = new();
    private readonly AuditSettings _settings = device.Settings;
    private readonly Redactor _redactor = device.NewRedactor();
    private int _sharedFrom;
    private int _sharedTo;

    public AuditDevice Device => device;

    public ReadOnlySpan<byte> RequestLine => _request.Written;

    public ReadOnlySpan<byte> ResponseLine => _response.Written;

    public void Clear()
    {
        _request.Clear();
        _response.Clear();
    }

    public void Request(in AuditSubject subject, DateTimeOffset now, string? error)
    {
        var line = _request;
        line.Clear();
        _response.Clear();
        Start(line, now, "\"request\""u8);
        _sharedFrom = line.Length;
        var parts = subject.Caller is { } caller
            ? device.Tokens.Get(caller.Token, subject.Request.Token, _redactor)
            : null;
        line.Raw(",\"auth\":{"u8);
        if (parts is not null)
        {
            line.Raw(parts.Auth);
        }

        Decision(line, subject.Decision);
        line.Raw("},\"request\":{"u8);
        Request(line, subject, parts);
        line.Byte((byte)'}');
        _sharedTo = line.Length;
        Error(line, error);
    }

    public void Response(in AuditSubject subject, DateTimeOffset now, Response? response, string? error)
    {
        var line = _response;
        line.Clear();
        Start(line, now, "\"response\""u8);
        line.Raw(_request.Written[_sharedFrom.._sharedTo]);
        line.Raw(",\"response\":{"u8);
        if (subject.Mount is { } mount)
        {
            line.Raw(MountPart(mount));
        }

        if (response is not null)
        {
            Response(line, subject, response);
        }

        line.Byte((byte)'}');
        Error(line, error);
    }

    private static void Start(LineBuffer line, DateTimeOffset now, ReadOnlySpan<byte> type)
    {
        line.Raw("{\"time\":"u8);
        line.Time(now);
        line.Raw(",\"type\":"u8);
        line.Raw(type);
    }

    private static void Error(LineBuffer line, string? error)
    {
        if (error is not null)
        {
            line.Raw(",\"error\":"u8);
            line.Text(error);
        }
    }

    private static void Decision(LineBuffer line, AclDecision? decision)
    {
        if (decision is not { } known)
        {
            return;
        }

        line.Name("\"policy_results\":{\"allowed\":"u8);
        line.Bool(known.Allowed);
        if (known.GrantingPolicies.Count > 0)
        {
            line.Raw(",\"granting_policies\":["u8);
            for (var i = 0; i < known.GrantingPolicies.Count; i++)
            {
                line.Raw(i == 0 ? "{\"name\":"u8 : ",{\"name\":"u8);
                line.Text(known.GrantingPolicies[i]);
                line.Raw(",\"namespace_id\":\"root\",\"type\":\"acl\"}"u8);
            }

            line.Byte((byte)']');
        }

        line.Byte((byte)'}');
    }

    private void Request(LineBuffer line, in AuditSubject subject, TokenParts? parts)
    {
        var request = subject.Request;
        line.Raw("\"id\":"u8);
        line.Text(request.Id);
        line.Raw(",\"operation\":"u8);
        line.Raw(OperationName(request.Operation));
        if (subject.Mount is { } mount)
        {
            line.Byte((byte)',');
            line.Raw(MountPart(mount));
        }

        if (parts is not null)
        {
            line.Raw(parts.RequestTokens);
        }
        else if (request.Token is { Length: > 0 } token)
        {
            line.Raw(",\"client_token\":"u8);
            _redactor.Secret(line, token);
        }

        line.Raw(",\"namespace\":{\"id\":\"root\"},\"path\":"u8);
        line.Text(request.Path);
        if (subject.Caller is null && IsTooMuch(request))
        {
            line.Raw(",\"data\":{\"left_out\":"u8);
            line.Text($"{request.Body.Length} bytes and {request.Query.Count} parameters, sent without a valid token");
            line.Byte((byte)'}');
        }
        else
        {
            RequestData(line, request, subject.Mount?.Tuning.AuditNonHmacRequestKeys ?? []);
        }

        line.Raw(",\"remote_address\":"u8);
        line.Address(request.RemoteAddress);
        line.Raw(",\"remote_port\":"u8);
        line.Number(request.RemotePort);
        if (request.WrapTtl is { } wrap)
        {
            line.Raw(",\"wrap_ttl\":"u8);
            line.Number((long)wrap.TotalSeconds);
        }

        if (request.Headers.Count > 0)
        {
            Headers(line, request.Headers);
        }
    }

    private static bool IsTooMuch(Request request) =>
        request.Body.Length > MostAnonymousBytes || request.Query.Count > MostAnonymousParameters;

    private void RequestData(LineBuffer line, Request request, IReadOnlyList<string> plain)
    {
        if (request.Body.Length > 0)
        {
            line.Raw(",\"data\":"u8);
            _redactor.Json(line, request.Body.Span, plain);
        }
        else if (request.Query.Count > 0)
        {
            line.Raw(",\"data\":{"u8);
            foreach (var (key, value) in request.Query)
            {
                if (line.Written[^1] != (byte)'{')
                {
                    line.Byte((byte)',');
                }

                line.Text(key);
                line.Byte((byte)':');
                if (plain.Contains(key))
                {
                    line.Text(value);
                }
                else
                {
                    _redactor.Secret(line, value);
                }
            }

            line.Byte((byte)'}');
        }
    }

    private void Headers(LineBuffer line, IReadOnlyDictionary<string, string> headers)
    {
        var recorded = device.Headers.Recorded;
        var any = false;
        foreach (var (name, hashed) in recorded)
        {
            if (!headers.TryGetValue(name, out var value))
            {
                continue;
            }

            line.Raw(any ? ","u8 : ",\"headers\":{"u8);
            any = true;
            line.Text(name);
            line.Raw(":["u8);
            if (hashed)
            {
                _redactor.Secret(line, value);
            }
            else
            {
                line.Text(value);
            }

            line.Byte((byte)']');
        }

        if (any)
        {
            line.Byte((byte)'}');
        }
    }

    private void Response(LineBuffer line, in AuditSubject subject, Response response)
    {
        if (response.Auth is { } auth)
        {
            line.Name("\"auth\":{"u8);
            TokenParts.WriteAuth(line, auth.Entry, auth.Token, _redactor, _settings.HmacAccessor);
            line.Byte((byte)'}');
        }

        if (!response.Data.IsEmpty && response.ContentType is null)
        {
            line.Name("\"data\":"u8);
            var elide = _settings.ElideListResponses && subject.Request.Operation == Operation.List;
            _redactor.Json(line, response.Data.Span, subject.Mount?.Tuning.AuditNonHmacResponseKeys ?? [], elide);
        }

        if (response.LeaseId.Length > 0)
        {
            line.Name("\"secret\":{\"lease_id\":"u8);
            line.Text(response.LeaseId);
            line.Byte((byte)'}');
        }

        if (response.Warnings.Count > 0)
        {
            line.Name("\"warnings\":"u8);
            line.Texts(response.Warnings);
        }

        if (response.WrapInfo is { } wrap)
        {
            line.Name("\"wrap_info\":{\"ttl\":"u8);
            line.Number((long)wrap.Ttl.TotalSeconds);
            line.Raw(",\"token\":"u8);
            _redactor.Secret(line, wrap.Token);
            line.Raw(",\"accessor\":"u8);
            Accessor(line, wrap.Accessor);
            line.Raw(",\"creation_time\":"u8);
            line.Time(wrap.CreationTime);
            line.Raw(",\"creation_path\":"u8);
            line.Text(wrap.CreationPath);
            if (wrap.WrappedAccessor is { } wrapped)
            {
                line.Raw(",\"wrapped_accessor\":"u8);
                Accessor(line, wrapped);
            }

            line.Byte((byte)'}');
        }
    }

    private void Accessor(LineBuffer line, string accessor)
    {
        if (_settings.HmacAccessor)
        {
            _redactor.Secret(line, accessor);
        }
        else
        {
            line.Text(accessor);
        }
    }

    private static byte[] MountPart(Mount mount) =>
        Mounts.TryGetValue(mount, out var known) ? known : Mounts.GetValue(mount, EncodeMount);

    private static byte[] EncodeMount(Mount mount)
    {
        var line = new LineBuffer();
        line.Raw("\"mount_point\":"u8);
        line.Text(mount.Path);
        line.Raw(",\"mount_type\":"u8);
        line.Text(mount.Type);
        line.Raw(",\"mount_accessor\":"u8);
        line.Text(mount.Accessor);
        return line.Written.ToArray();
    }

    private static ReadOnlySpan<byte> OperationName(Operation operation) =>
        operation switch
        {
            Operation.Read => "\"read\""u8,
            Operation.List => "\"list\""u8,
            Operation.Create => "\"create\""u8,
            Operation.Update => "\"update\""u8,
            Operation.Patch => "\"patch\""u8,
            Operation.Delete => "\"delete\""u8,
            _ => "\"help\""u8,
        };
}
