using System.Text.Json;

namespace Mayfly.Agent.Proxy;

/// <summary>What of a response decides whether and how long it may be kept.</summary>
internal sealed class ResponseShape
{
    public string LeaseId { get; private set; } = "";

    public TimeSpan LeaseDuration { get; private set; }

    public bool IsRenewable { get; private set; }

    public bool IsWrapped { get; private set; }

    /// <summary>The token that the response hands out; null when it is no login.</summary>
    public string? Token { get; private set; }

    public string Accessor { get; private set; } = "";

    public bool IsOrphan { get; private set; }

    /// <summary>Has values of its own: a secret.</summary>
    public bool HasData { get; private set; }

    /// <summary>Reads the envelope; null when it is none.</summary>
    public static ResponseShape? Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        var shape = new ResponseShape();
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return null;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                shape.Member(ref reader);
            }

            return shape;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private void Member(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("lease_id"u8))
        {
            LeaseId = Text(ref reader) ?? LeaseId;
        }
        else if (reader.ValueTextEquals("lease_duration"u8))
        {
            LeaseDuration = Seconds(ref reader);
        }
        else if (reader.ValueTextEquals("renewable"u8))
        {
            IsRenewable = Flag(ref reader);
        }
        else if (reader.ValueTextEquals("wrap_info"u8))
        {
            IsWrapped = IsPresent(ref reader);
            reader.Skip();
        }
        else if (reader.ValueTextEquals("data"u8))
        {
            HasData = IsPresent(ref reader);
            reader.Skip();
        }
        else if (reader.ValueTextEquals("auth"u8))
        {
            Auth(ref reader);
        }
        else
        {
            reader.Read();
            reader.Skip();
        }
    }

    private void Auth(ref Utf8JsonReader reader)
    {
        if (!IsPresent(ref reader) || reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("client_token"u8))
            {
                Token = Text(ref reader);
            }
            else if (reader.ValueTextEquals("accessor"u8))
            {
                Accessor = Text(ref reader) ?? "";
            }
            else if (reader.ValueTextEquals("lease_duration"u8))
            {
                LeaseDuration = Seconds(ref reader);
            }
            else if (reader.ValueTextEquals("renewable"u8))
            {
                IsRenewable = Flag(ref reader);
            }
            else if (reader.ValueTextEquals("orphan"u8))
            {
                IsOrphan = Flag(ref reader);
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }
    }

    private static bool IsPresent(ref Utf8JsonReader reader) => reader.Read() && reader.TokenType != JsonTokenType.Null;

    private static string? Text(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String)
        {
            return reader.GetString();
        }

        reader.Skip();
        return null;
    }

    private static bool Flag(ref Utf8JsonReader reader)
    {
        reader.Read();
        var flag = reader.TokenType == JsonTokenType.True;
        reader.Skip();
        return flag;
    }

    private static TimeSpan Seconds(ref Utf8JsonReader reader)
    {
        reader.Read();
        var seconds = reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number) ? number : 0;
        reader.Skip();
        return TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 10L * 365 * 86400));
    }
}
