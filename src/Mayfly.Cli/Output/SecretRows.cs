using System.Text.Json;
using Mayfly.Client;

namespace Mayfly.Cli.Output;

/// <summary>The rows of an answer's table, in the order that Vault's command line has.</summary>
internal static class SecretRows
{
    public static List<IReadOnlyList<string>> Of(MayflyResponse response)
    {
        var rows = new List<IReadOnlyList<string>>();
        Lease(rows, response);
        Auth(rows, response.Auth);
        Wrapping(rows, response.WrapInfo);
        foreach (var member in PlainText.Sorted(response.Data))
        {
            rows.Add([member.Name, PlainText.OfField(member.Name, member.Value)]);
        }

        return rows;
    }

    /// <summary>One field by the name that the table shows; undefined when it is absent.</summary>
    public static JsonElement Field(MayflyResponse response, string name)
    {
        var special = name switch
        {
            "wrapping_token" => Member(response.WrapInfo, "token"),
            "wrapping_accessor" => Member(response.WrapInfo, "accessor"),
            "wrapping_token_ttl" => Member(response.WrapInfo, "ttl"),
            "wrapping_token_creation_time" => Member(response.WrapInfo, "creation_time"),
            "wrapping_token_creation_path" => Member(response.WrapInfo, "creation_path"),
            "wrapped_accessor" => Member(response.WrapInfo, "wrapped_accessor"),
            "token" => Member(response.Auth, "client_token"),
            "token_accessor" => Member(response.Auth, "accessor"),
            "token_duration" => Member(response.Auth, "lease_duration"),
            "token_renewable" => Member(response.Auth, "renewable"),
            "token_policies" or "identity_policies" or "policies" => Member(response.Auth, name),
            _ => default,
        };
        if (special.ValueKind != JsonValueKind.Undefined)
        {
            return special;
        }

        var data = Member(response.Data, name);
        if (data.ValueKind != JsonValueKind.Undefined)
        {
            return data;
        }

        return name switch
        {
            "data" => response.Data,
            "refresh_interval" => Member(response.Root, "lease_duration"),
            "lease_renewable" => Member(response.Root, "renewable"),
            "lease_id" or "lease_duration" or "request_id" => Member(response.Root, name),
            _ => default,
        };
    }

    public static JsonElement Member(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var member) ? member : default;

    private static void Lease(List<IReadOnlyList<string>> rows, MayflyResponse response)
    {
        if (!Member(response.Root, "lease_duration").TryInt64(out var seconds) || seconds <= 0)
        {
            return;
        }

        var id = PlainText.Of(Member(response.Root, "lease_id"));
        if (id is "" or "<nil>")
        {
            rows.Add(["refresh_interval", HumanDuration.OfSeconds(seconds)]);
            return;
        }

        rows.Add(["lease_id", id]);
        rows.Add(["lease_duration", HumanDuration.OfSeconds(seconds)]);
        rows.Add(["lease_renewable", PlainText.Of(Member(response.Root, "renewable"))]);
    }

    private static void Auth(List<IReadOnlyList<string>> rows, JsonElement auth)
    {
        if (auth.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        // A duration of 0 is a token that does not end.
        Member(auth, "lease_duration").TryInt64(out var seconds);
        rows.Add(["token", PlainText.Of(Member(auth, "client_token"))]);
        rows.Add(["token_accessor", PlainText.Of(Member(auth, "accessor"))]);
        rows.Add(["token_duration", seconds == 0 ? "∞" : HumanDuration.OfSeconds(seconds)]);
        rows.Add(["token_renewable", PlainText.Of(Member(auth, "renewable"))]);
        rows.Add(["token_policies", PlainText.Quoted(Member(auth, "token_policies"))]);
        rows.Add(["identity_policies", PlainText.Quoted(Member(auth, "identity_policies"))]);
        rows.Add(["policies", PlainText.Quoted(Member(auth, "policies"))]);
        foreach (var member in PlainText.Sorted(Member(auth, "metadata")))
        {
            rows.Add(["token_meta_" + member.Name, PlainText.Of(member.Value)]);
        }
    }

    private static void Wrapping(List<IReadOnlyList<string>> rows, JsonElement wrap)
    {
        if (wrap.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        Member(wrap, "ttl").TryInt64(out var seconds);
        rows.Add(["wrapping_token:", PlainText.Of(Member(wrap, "token"))]);
        rows.Add(["wrapping_accessor:", PlainText.Of(Member(wrap, "accessor"))]);
        rows.Add(["wrapping_token_ttl:", HumanDuration.OfSeconds(seconds)]);
        rows.Add(["wrapping_token_creation_time:", PlainText.Of(Member(wrap, "creation_time"))]);
        rows.Add(["wrapping_token_creation_path:", PlainText.Of(Member(wrap, "creation_path"))]);
        if (PlainText.Of(Member(wrap, "wrapped_accessor")) is not ("" or "<nil>") and var accessor)
        {
            rows.Add(["wrapped_accessor:", accessor]);
        }
    }

    private static bool TryInt64(this JsonElement value, out long number)
    {
        number = 0;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out number);
    }
}
