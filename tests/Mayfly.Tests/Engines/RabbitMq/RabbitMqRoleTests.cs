using System.Text.Json;
using Mayfly.Core.Engines.RabbitMq;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.RabbitMq;

/// <summary>Configuration and roles, which need no broker.</summary>
public sealed class RabbitMqRoleTests
{
    [Theory]
    [InlineData("""{"tags":"monitoring, policymaker","vhosts":"{\"/\":{\"write\":\".*\",\"read\":\".*\"}}"}""")]
    [InlineData(
        """{"tags":["monitoring","policymaker"],"vhosts":{"/":{"configure":"","write":".*","read":".*"}},"vhost_topics":""}"""
    )]
    public async Task A_role_is_written_read_listed_and_deleted(string body)
    {
        await using var harness = await EngineHarness.StartAsync(RabbitMqEngine.Type);
        Assert.True((await harness.HandleAsync(Operation.Update, "roles/shop", body)).Succeeded);

        using var read = (await harness.HandleAsync(Operation.Read, "roles/shop")).Response!;
        Assert.Equal(
            """{"tags":"monitoring,policymaker","vhosts":{"/":{"configure":"","write":".*","read":".*"}},"vhost_topics":{}}""",
            JsonElement.Parse(read.Data.Span).GetRawText()
        );
        using var list = (await harness.HandleAsync(Operation.List, "roles")).Response!;
        Assert.Equal("""{"keys":["shop"]}""", JsonElement.Parse(list.Data.Span).GetRawText());
        Assert.True((await harness.HandleAsync(Operation.Delete, "roles/shop")).Succeeded);
        Assert.Equal(FaultKind.NotFound, (await harness.HandleAsync(Operation.Read, "roles/shop")).Fault?.Kind);
    }

    [Theory]
    [InlineData("{}", "both tags and vhosts not specified")]
    [InlineData("""{"tags":"","vhosts":"","vhost_topics":""}""", "both tags and vhosts not specified")]
    [InlineData("""{"vhosts":"not json"}""", "vhosts: expected a JSON object")]
    [InlineData("""{"vhosts":"[1]"}""", "vhosts: expected a JSON object")]
    [InlineData("""{"vhosts":{"/":{"wirte":".*"}}}""", "there is no \"wirte\"; there are: configure, write, read")]
    [InlineData("""{"vhosts":{"/":{"write":1}}}""", "write must be a string")]
    [InlineData("""{"vhosts":{"..":{"write":""}}}""", "\"..\" cannot be the name of a virtual host")]
    [InlineData("""{"vhosts":{"":{"write":""}}}""", "cannot be the name of a virtual host")]
    [InlineData("""{"vhost_topics":{"/":{"amq.topic":{"configure":""}}}}""", "there is no \"configure\"")]
    public async Task What_cannot_be_a_role_is_refused_with_the_reason(string body, string reason)
    {
        await using var harness = await EngineHarness.StartAsync(RabbitMqEngine.Type);

        var fault = (await harness.HandleAsync(Operation.Update, "roles/shop", body)).Fault;

        Assert.Equal(FaultKind.Invalid, fault?.Kind);
        Assert.Contains(reason, fault!.Messages[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"connection_uri":"rabbit","username":"a","password":"p"}""", "connection_uri must be the address")]
    [InlineData("""{"connection_uri":"amqp://rabbit","username":"a","password":"p"}""", "connection_uri must be")]
    [InlineData("""{"connection_uri":"http://a:p@rabbit","username":"a","password":"p"}""", "without a user in it")]
    [InlineData("""{"connection_uri":"http://rabbit","username":"a:b","password":"p"}""", "colon")]
    [InlineData(
        """{"connection_uri":"http://rabbit","username":"a","password":"p","ca_cert":"x"}""",
        "ca_cert must hold"
    )]
    [InlineData(
        """{"connection_uri":"http://rabbit","username":"a","password":"p","password_policy":"no"}""",
        "\"no\" does not exist"
    )]
    [InlineData(
        """{"connection_uri":"http://rabbit","username":"a","password":"p","username_template":"{{ x }}"}""",
        "username_template: "
    )]
    [InlineData(
        """{"connection_uri":"http://rabbit","username":"a","password":"p","username_template":"{{ .RoleName }}"}""",
        "the same name twice"
    )]
    [InlineData("""{"username":"a","password":"p"}""", "connection_uri")]
    public async Task What_cannot_be_a_connection_is_refused_with_the_reason(string body, string reason)
    {
        await using var harness = await EngineHarness.StartAsync(RabbitMqEngine.Type);

        var fault = (await harness.HandleAsync(Operation.Update, "config/connection", body)).Fault;

        Assert.Equal(FaultKind.Invalid, fault?.Kind);
        Assert.Contains(reason, fault!.Messages[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_lease_can_be_configured()
    {
        await using var harness = await EngineHarness.StartAsync(RabbitMqEngine.Type);
        Assert.Equal(FaultKind.NotFound, (await harness.HandleAsync(Operation.Read, "config/lease")).Fault?.Kind);
        Assert.True(
            (await harness.HandleAsync(Operation.Update, "config/lease", """{"ttl":"10m","max_ttl":3600}""")).Succeeded
        );

        using var read = (await harness.HandleAsync(Operation.Read, "config/lease")).Response!;
        Assert.Equal("""{"ttl":600,"max_ttl":3600}""", JsonElement.Parse(read.Data.Span).GetRawText());
        var refused = await harness.HandleAsync(Operation.Update, "config/lease", """{"ttl":"2h","max_ttl":"1h"}""");
        Assert.Equal("ttl must not be longer than max_ttl", refused.Fault?.Messages[0]);
    }
}
