using System.Text.Json;
using System.Text.Json.Serialization;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Identity;

/// <summary>
/// Which tokens were made while the clock was ahead of the time it shows now. Their end was computed from a time that has
/// turned out wrong, so they are not taken; see decision 0140. Safe for concurrent use.
/// </summary>
/// <remarks>
/// A mark in the store is never earlier than any token that ends. Once the clock has been far behind it for
/// <see cref="Patience"/>, the clock is taken to be right and the mark to be wrong: that begins a new epoch, and tokens of an
/// earlier epoch from after its end are never taken again.
/// </remarks>
internal sealed class ClockHistory(View view, TimeProvider time) : IDisposable
{
    /// <summary>Steps of the clock that nothing is made of: what a time service corrects.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(10);

    /// <summary>How far ahead of the time the mark is written: one write an hour.</summary>
    public static readonly TimeSpan Reserve = TimeSpan.FromHours(1);

    /// <summary>How long the clock must have stayed behind before the tokens from its future are given up for good.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromHours(1);

    private const string Record = "clock";

    private readonly SemaphoreSlim _writing = new(1, 1);
    private volatile ClockState _state = new();
    private long _mark;
    private long? _behindSince;

    /// <summary>What new tokens say they were made in.</summary>
    public int Epoch => _state.Ends.Count;

    /// <summary>Reads what earlier runs have seen.</summary>
    public async ValueTask LoadAsync(CancellationToken cancellation)
    {
        using var entry = await view.GetAsync(Record, cancellation);
        if (entry is not null)
        {
            Take(ClockCodec.Decode(entry.Value.Span));
        }
    }

    /// <summary>
    /// Whether the end of a token was computed from a time that can be true. One without an end has nothing to be wrong about.
    /// </summary>
    public bool Trusts(TokenEntry token, DateTimeOffset now)
    {
        if (token.ExpiresAt is null)
        {
            return true;
        }

        var start = token.LastRenewal ?? token.CreatedAt;
        var ends = _state.Ends;
        return start - now <= Tolerance && (token.Epoch >= ends.Count || start - ends[token.Epoch] <= Tolerance);
    }

    /// <summary>Makes sure that the mark is not earlier than now. To be called before a token that ends is stored.</summary>
    /// <returns>Null, or why the mark cannot be written.</returns>
    public async ValueTask<Pipeline.Fault?> CoverAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        if (now.UtcTicks <= Volatile.Read(ref _mark))
        {
            return null;
        }

        await _writing.WaitAsync(cancellation);
        try
        {
            return now.UtcTicks <= Volatile.Read(ref _mark)
                ? null
                : await SaveAsync(_state with { Mark = now + Reserve }, cancellation);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>
    /// Looks at the clock; to be called every few minutes. True when a new epoch has begun: tokens that are not trusted can be
    /// removed.
    /// </summary>
    public async ValueTask<bool> LookAsync(ILogger log, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var state = _state;
        if (state.Mark - now <= Reserve + Tolerance)
        {
            _behindSince = null;
            return false;
        }

        if (_behindSince is not { } since)
        {
            _behindSince = time.GetTimestamp();
            log.LogWarning(
                "the clock is at {Now:u}, but has been at {Before:u} or close to it before: tokens from in between are refused. "
                    + "If it stays, they are revoked in {Patience} minutes",
                now,
                state.Mark - Reserve,
                Patience.TotalMinutes
            );
            return false;
        }

        if (time.GetElapsedTime(since) < Patience)
        {
            return false;
        }

        await _writing.WaitAsync(cancellation);
        try
        {
            var next = new ClockState { Mark = now + Reserve, Ends = [.. _state.Ends, now] };
            if (await SaveAsync(next, cancellation) is not null)
            {
                return false;
            }
        }
        finally
        {
            _writing.Release();
        }

        _behindSince = null;
        log.LogWarning("the clock has stayed at its new time: tokens from after {Now:u} are revoked", now);
        return true;
    }

    public void Dispose() => _writing.Dispose();

    private async ValueTask<Pipeline.Fault?> SaveAsync(ClockState state, CancellationToken cancellation)
    {
        var result = await view.PutAsync(Record, ClockCodec.Encode(state), cancellation);
        if (!result.Succeeded)
        {
            return Pipeline.Fault.From(result);
        }

        Take(state);
        return null;
    }

    private void Take(ClockState state)
    {
        _state = state;
        Volatile.Write(ref _mark, state.Mark.UtcTicks);
    }
}

/// <summary>What is stored of the clock. Immutable.</summary>
internal sealed record ClockState
{
    /// <summary>No token that ends was made later.</summary>
    public DateTimeOffset Mark { get; init; }

    /// <summary>When each finished epoch ended, by the clock that has been right since.</summary>
    public IReadOnlyList<DateTimeOffset> Ends { get; init; } = [];
}

/// <summary>The record as bytes.</summary>
[JsonSerializable(typeof(ClockState))]
internal sealed partial class ClockCodec : JsonSerializerContext
{
    public static byte[] Encode(ClockState state) => JsonSerializer.SerializeToUtf8Bytes(state, Default.ClockState);

    public static ClockState Decode(ReadOnlySpan<byte> stored) =>
        JsonSerializer.Deserialize(stored, Default.ClockState)
        ?? throw new JsonException("The clock's record is empty.");
}
