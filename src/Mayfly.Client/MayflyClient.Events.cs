using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Mayfly.Client.Logins;
using Mayfly.Client.Transport;

namespace Mayfly.Client;

/// <content>Subscriptions.</content>
public sealed partial class MayflyClient
{
    private const string EventStream = "text/event-stream";

    /// <summary>
    /// What changes on the server, as far as the token may read it, until the enumeration is given up. Events of one secret
    /// that changes in quick succession can arrive in another order: <see cref="MayflyEvent.Version"/> tells.
    /// </summary>
    /// <param name="type">Types of events, with <c>*</c> for any text: <c>kv-v2/data-write</c>, <c>kv*</c>.</param>
    /// <param name="options">Which events, and what to do when the connection breaks.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Events, without an end of its own when it reconnects.</returns>
    /// <exception cref="MayflyApiException">The server refuses: the type, the filter, the token.</exception>
    /// <exception cref="MayflyConnectionException">There was no connection to begin with.</exception>
    public async IAsyncEnumerable<MayflyEvent> SubscribeAsync(
        string type,
        SubscriptionOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        options ??= new SubscriptionOptions();
        var last = options.LastEventId;
        var failures = 0;
        for (var isFirst = true; ; isFirst = false)
        {
            // Null: not connected this time, and worth another try.
            using var reply = await OpenAsync(type, options.Filter, last, isFirst, cancellationToken);
            if (reply is not null)
            {
                options.Connected?.Invoke();
                if (isFirst ? options.TellsConnection : last is null)
                {
                    yield return MayflyEvent.Lost();
                }
                else if (options.TellsConnection)
                {
                    yield return MayflyEvent.Resumed;
                }

                await foreach (var item in ReadEventsAsync(reply, options.Silence, cancellationToken))
                {
                    failures = 0;
                    last = item.EventId is { Length: > 0 } id ? id : last;
                    if (item.EventType != "end" && MayflyEvent.Parse(item.Data) is { } change)
                    {
                        yield return change;
                    }
                }
            }

            if (!options.Reconnect)
            {
                yield break;
            }

            if (reply is not null && options.TellsConnection)
            {
                yield return MayflyEvent.Interrupted;
            }

            await Task.Delay(Retry.Delay(failures++), _options.Time, cancellationToken);
        }
    }

    private async Task<HttpResponseMessage?> OpenAsync(
        string type,
        string? filter,
        string? last,
        bool isFirst,
        CancellationToken cancellationToken
    )
    {
        var request = new MayflyRequest(HttpMethod.Get, $"sys/events/subscribe/{type}")
        {
            Query = filter is null ? [] : [new("filter", filter)],
            Accept = EventStream,
            LastEventId = last,
        };
        var address = RequestAddress.Create(_base, request);
        using var limit = new CancellationTokenSource(_options.Timeout, _options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var token = _session is null ? _options.Token : await _session.GetTokenAsync(either.Token);
            var reply = await FollowAsync(request, address, token, either.Token);
            if (
                (int)reply.StatusCode == 403
                && _session is not null
                && await _session.ReplaceRefusedAsync(token!, either.Token) is { } other
            )
            {
                reply.Dispose();
                reply = await FollowAsync(request, address, other, either.Token);
                _session.TellRepeated(isRefusedAgain: (int)reply.StatusCode == 403);
            }

            if (reply.IsSuccessStatusCode && reply.Content.Headers.ContentType?.MediaType == EventStream)
            {
                return reply;
            }

            using (reply)
            {
                var body = await BoundedBody.ReadAsync(reply.Content, _options.MaxResponseBytes, either.Token);
                var refusal = new MayflyResponse((int)reply.StatusCode, request.Method.Method, address, body);
                return !isFirst && refusal.Status is 429 or >= 500 ? null : throw new MayflyApiException(refusal);
            }
        }
        catch (LoginException) when (!isFirst)
        {
            return null;
        }
        catch (Exception failure) when (IsConnectionFailure(failure, cancellationToken))
        {
            return isFirst ? throw new MayflyConnectionException(Explain(failure), failure) : null;
        }
    }

    /// <summary>What the server sends, until the connection ends, however it does.</summary>
    private async IAsyncEnumerable<SseItem<byte[]>> ReadEventsAsync(
        HttpResponseMessage reply,
        TimeSpan silence,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        await using var body = new SilenceLimitStream(
            await reply.Content.ReadAsStreamAsync(cancellationToken),
            silence,
            _options.Time
        );
        var parser = SseParser.Create(body, static (_, data) => data.ToArray());
        await using var items = parser.EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            try
            {
                if (!await items.MoveNextAsync())
                {
                    yield break;
                }
            }
            catch (Exception failure) when (IsConnectionFailure(failure, cancellationToken))
            {
                yield break;
            }

            yield return items.Current;
        }
    }
}
