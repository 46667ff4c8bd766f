using System.Net;
using System.Runtime.Versioning;
using System.Text.Json;
using Mayfly.Agent;
using Mayfly.Agent.Configuration;
using Mayfly.Agent.SecretsManager;
using Mayfly.Client;
using Microsoft.AspNetCore.Http;

namespace Mayfly.Tests.Agent;

/// <summary>The interface of AWS's Secrets Manager agent over a real server's secrets.</summary>
[Collection(AgentServerTests.Name)]
[SupportedOSPlatform("linux")]
public sealed class SecretsManagerTests(AgentServer server)
{
    private const string Header = "X-Aws-Parameters-Secrets-Token";

    [Fact]
    public async Task A_secret_is_given_in_the_form_of_GetSecretValue()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder);
        using var http = Client(agent);
        var name = server.Name("aws");
        await PutAsync(name, """{"user":"ann","password":"one"}""");
        await PutAsync(name, """{"user":"ann","password":"two"}""");

        using var current = await GetAsync(http, $"/secretsmanager/get?secretId={name}");
        using var previous = await GetAsync(http, $"/secretsmanager/get?secretId={name}&versionStage=AWSPREVIOUS");

        Assert.Equal(name, Text(current, "Name"));
        Assert.Equal("""{"user":"ann","password":"two"}""", Text(current, "SecretString"));
        Assert.Equal("AWSCURRENT", current.RootElement.GetProperty("VersionStages")[0].GetString());
        Assert.StartsWith("arn:aws:secretsmanager:", Text(current, "ARN"), StringComparison.Ordinal);
        Assert.True(
            double.Parse(Text(current, "CreatedDate"), System.Globalization.CultureInfo.InvariantCulture) > 1.7e9
        );
        Assert.Contains("\"one\"", Text(previous, "SecretString"), StringComparison.Ordinal);
        Assert.Equal("AWSPREVIOUS", previous.RootElement.GetProperty("VersionStages")[0].GetString());

        using var byArn = await GetAsync(
            http,
            $"/secretsmanager/get?secretId={Uri.EscapeDataString(Text(current, "ARN"))}"
        );
        using var byVersion = await GetAsync(http, $"/v1/{name}?versionId={Text(previous, "VersionId")}");
        Assert.Equal(Text(current, "VersionId"), Text(byArn, "VersionId"));
        Assert.Equal(Text(previous, "SecretString"), Text(byVersion, "SecretString"));
    }

    [Fact]
    public async Task A_secret_with_the_one_field_SecretString_is_that_text()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder);
        using var http = Client(agent);
        var name = server.Name("aws");
        await PutAsync(name, """{"SecretString":"plain text"}""");

        using var reply = await GetAsync(http, $"/secretsmanager/get?secretId={name}");

        Assert.Equal("plain text", Text(reply, "SecretString"));
    }

    [Fact]
    public async Task Refresh_now_goes_past_what_is_kept_and_a_change_is_heard_without_it()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder);
        using var http = Client(agent);
        var name = server.Name("aws");
        await PutAsync(name, """{"p":"one"}""");
        using var _ = await GetAsync(http, $"/secretsmanager/get?secretId={name}");
        await PutAsync(name, """{"p":"two"}""");

        using var fresh = await GetAsync(http, $"/secretsmanager/get?secretId={name}&refreshNow=true");
        Assert.Contains("two", Text(fresh, "SecretString"), StringComparison.Ordinal);

        await PutAsync(name, """{"p":"three"}""");
        await agent.UntilAsync(
            () =>
                GetAsync(http, $"/secretsmanager/get?secretId={name}").GetAwaiter().GetResult() is var reply
                && Text(reply, "SecretString").Contains("three", StringComparison.Ordinal),
            "the change was not heard"
        );
    }

    [Theory]
    [InlineData("/secretsmanager/get", 400, "missing parameter secretId")]
    [InlineData("/secretsmanager/get?secretId=x&refreshNow=maybe", 400, "invalid refreshNow value")]
    [InlineData("/secretsmanager/get?secretId=x&abc=1", 400, "unknown parameter: abc")]
    [InlineData("/v1/", 400, "missing secret ID")]
    [InlineData("/elsewhere", 404, "Not found")]
    [InlineData("/secretsmanager/get?secretId=no-such", 400, "ResourceNotFoundException")]
    [InlineData("/secretsmanager/get?secretId=../sys/mounts", 400, "ValidationException")]
    [InlineData("/secretsmanager/get?secretId=no-such&versionStage=OTHER", 400, "ResourceNotFoundException")]
    [InlineData(
        "/secretsmanager/get?secretId=no-such&versionId=5767290c-d089-49ed-b97c-17086f8c9d79",
        400,
        "ResourceNotFoundException"
    )]
    public async Task What_is_wrong_is_answered_as_the_original_does(string target, int status, string text)
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder);
        using var http = Client(agent);

        var reply = await http.GetAsync(target, Cancellation);

        Assert.Equal(status, (int)reply.StatusCode);
        Assert.Contains(text, await reply.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_token_or_forwarded_nothing_is_told_but_that_it_lives()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder);
        using var bare = new HttpClient { BaseAddress = new Uri(agent.Address) };
        using var wrong = new HttpClient { BaseAddress = new Uri(agent.Address) };
        wrong.DefaultRequestHeaders.Add(Header, "wrong");
        using var other = new HttpClient { BaseAddress = new Uri(agent.Address) };
        other.DefaultRequestHeaders.Add("X-Vault-Token", "ssrf-token");

        Assert.Equal("healthy", await bare.GetStringAsync("/ping", Cancellation));
        Assert.Equal(
            HttpStatusCode.Forbidden,
            (await bare.GetAsync("/secretsmanager/get?secretId=x", Cancellation)).StatusCode
        );
        Assert.Equal(
            HttpStatusCode.Forbidden,
            (await wrong.GetAsync("/secretsmanager/get?secretId=x", Cancellation)).StatusCode
        );
        Assert.Equal(
            HttpStatusCode.BadRequest,
            (await other.GetAsync("/secretsmanager/get?secretId=x", Cancellation)).StatusCode
        );
        Assert.Equal(
            HttpStatusCode.MethodNotAllowed,
            (await other.PostAsync("/secretsmanager/get", null, Cancellation)).StatusCode
        );
        other.DefaultRequestHeaders.Add("X-Forwarded-For", "1.2.3.4");
        var forwarded = await other.GetAsync("/secretsmanager/get?secretId=x", Cancellation);
        Assert.Equal("Forwarded", await forwarded.Content.ReadAsStringAsync(Cancellation));
        other.DefaultRequestHeaders.Remove("X-Forwarded-For");
        other.DefaultRequestHeaders.Add("Forwarded", "for=1.2.3.4");
        forwarded = await other.GetAsync("/secretsmanager/get?secretId=x", Cancellation);
        Assert.Equal("Forwarded", await forwarded.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task A_token_file_that_is_not_there_is_made_for_the_owner_and_the_group()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, $"ssrf_token_file = \"{folder.At("ssrf")}\"");
        using var http = new HttpClient { BaseAddress = new Uri(agent.Address) };
        http.DefaultRequestHeaders.Add(Header, folder.Read("ssrf"));

        Assert.Equal(HttpStatusCode.BadRequest, (await http.GetAsync("/secretsmanager/get", Cancellation)).StatusCode);
#pragma warning disable CA1416 // The agent runs on Linux.
        Assert.Equal(Convert.ToInt32("640", 8), (int)File.GetUnixFileMode(folder.At("ssrf")));
#pragma warning restore CA1416
    }

    [Theory]
    [InlineData("app", "app")]
    [InlineData("/team/app", "team/app")]
    [InlineData("arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/app-NhBWsc", "team/app")]
    [InlineData("arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/app", "team/app")]
    public void Names_are_found_in_arns(string id, string name) => Assert.Equal(name, SecretName.Of(id));

    [Fact]
    public void A_version_id_holds_its_number_and_is_for_its_secret_alone()
    {
        var id = SecretName.VersionId("secret", "app", 1234567);

        Assert.Equal(1234567, SecretName.Version("secret", "app", id));
        Assert.Null(SecretName.Version("secret", "other", id));
        Assert.Null(SecretName.Version("secret", "app", "not-a-version"));
        Assert.Equal(3, SecretName.Version("secret", "app", "3"));
    }

    [Fact]
    public void A_token_file_is_made_for_its_user_and_group_and_read_again()
    {
        using var folder = new AgentFolder();

        var token = SsrfToken.Of(Stanza(folder), static _ => null);

        var headers = new HeaderDictionary { [Header] = folder.Read("ssrf-token") };
        Assert.True(token.IsIn(headers, [Header]));
        Assert.True(SsrfToken.Of(Stanza(folder), static _ => null).IsIn(headers, [Header]));
        Assert.Equal(Convert.ToInt32("640", 8), (int)File.GetUnixFileMode(folder.At("ssrf-token")));
    }

    [Fact]
    public void A_token_that_another_user_has_chosen_is_refused()
    {
        using var folder = new AgentFolder();
        if (!AgentFolder.TryGive(folder.Write("ssrf-token", "known to somebody else")))
        {
            return;
        }

        var refusal = Assert.Throws<AgentException>(() => SsrfToken.Of(Stanza(folder), static _ => null));

        Assert.Contains("is of another user", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "known",
            refusal.Message.Replace("may know", "", StringComparison.Ordinal),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_link_of_another_user_to_a_file_that_everybody_can_read_is_no_token()
    {
        using var folder = new AgentFolder();
        File.CreateSymbolicLink(folder.At("ssrf-token"), folder.Write("public", "known to everybody"));
        if (!AgentFolder.TryGive(folder.At("ssrf-token")))
        {
            return;
        }

        Assert.Throws<AgentException>(() => SsrfToken.Of(Stanza(folder), static _ => null));
    }

    private static SecretsManagerStanza Stanza(AgentFolder folder) => new() { SsrfTokenFile = folder.At("ssrf-token") };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private async Task<RunningAgent> StartAsync(AgentFolder folder, string more = "")
    {
        await server.AppRoleAsync(folder);
        return await RunningAgent.StartAsync(
            $$"""
            vault { address = "{{server.Address}}" }
            auto_auth {
              method "approle" {
                config = { role_id_file_path = "{{folder.At("roleid")}}" secret_id_file_path = "{{folder.At(
                "secretid"
            )}}" }
              }
            }
            listener "secretsmanager" {
              address = "127.0.0.1:0"
              {{more}}
            }
            """,
            environment: name => name == "AWS_TOKEN" ? "ssrf-token" : null
        );
    }

    private static HttpClient Client(RunningAgent agent)
    {
        var http = new HttpClient { BaseAddress = new Uri(agent.Address) };
        http.DefaultRequestHeaders.Add(Header, "ssrf-token");
        return http;
    }

    private static async Task<JsonDocument> GetAsync(HttpClient http, string target) =>
        JsonDocument.Parse(await http.GetStringAsync(target, Cancellation));

    private static string Text(JsonDocument reply, string name) => reply.RootElement.GetProperty(name).GetString()!;

    private Task<MayflyResponse> PutAsync(string name, string data) =>
        AgentServer.WriteAsync(server.Root, $"secret/data/{name}", $$"""{"data":{{data}}}""");
}
