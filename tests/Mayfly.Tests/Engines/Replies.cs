using System.Text;
using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines;

/// <summary>What tests look at in an outcome.</summary>
internal static class Replies
{
    /// <summary>The data of a success.</summary>
    public static JsonElement Data(this Outcome outcome)
    {
        Assert.True(outcome.Succeeded, string.Join("; ", outcome.Fault?.Messages ?? []));
        return Parse(outcome.Response!);
    }

    /// <summary>The data as the bytes on the wire.</summary>
    public static string Text(this Outcome outcome)
    {
        Assert.True(outcome.Succeeded, string.Join("; ", outcome.Fault?.Messages ?? []));
        return Text(outcome.Response!);
    }

    /// <summary>Succeeded, with nothing to say.</summary>
    public static void IsDone(this Outcome outcome)
    {
        Assert.True(outcome.Succeeded, string.Join("; ", outcome.Fault?.Messages ?? []));
        Assert.True(outcome.Response!.IsEmpty);
    }

    /// <summary>Failed with that message alone.</summary>
    public static void Failed(this Outcome outcome, FaultKind kind, string? message = null)
    {
        Assert.Equal(kind, outcome.Fault?.Kind);
        Assert.Equal(message is null ? [] : [message], outcome.Fault!.Messages);
    }

    /// <summary>The data that goes along with a fault.</summary>
    public static JsonElement FaultData(this Outcome outcome)
    {
        Assert.NotNull(outcome.Fault?.Body);
        return Parse(outcome.Fault.Body);
    }

    public static IReadOnlyList<string> Keys(this Outcome outcome) =>
        [.. outcome.Data().GetProperty("keys").EnumerateArray().Select(key => key.GetString()!)];

    private static JsonElement Parse(Response response) => JsonElement.Parse(Text(response));

    private static string Text(Response response)
    {
        using (response)
        {
            return Encoding.UTF8.GetString(response.Data.Span);
        }
    }
}
