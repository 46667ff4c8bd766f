using System.ComponentModel;
using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using Mayfly.Client;
using Mayfly.Client.Redaction;

namespace Mayfly.Tests.Client;

public sealed class SecretStringTests
{
    private const string Value = "kR7-mayfly-canary-02";

    [Fact]
    public void It_tells_itself_to_whoever_asks_on_purpose_alone()
    {
        var secret = new SecretString(Value);

        Assert.Equal(Value, secret.Reveal());
        Assert.Equal(Redactor.Mask, secret.ToString());
        Assert.Equal("the password is [redacted]!", $"the password is {secret}!");
        Assert.Equal("[redacted]", string.Format(null, "{0}", secret));
        Assert.DoesNotContain(Value, new Login("app", secret).ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Value, JsonSerializer.Serialize(new Login("app", secret)), StringComparison.Ordinal);
        Assert.DoesNotContain(Value, JsonSerializer.Serialize<object>(secret), StringComparison.Ordinal);
        Assert.Equal(Redactor.Mask, TypeDescriptor.GetConverter(typeof(SecretString)).ConvertToInvariantString(secret));
    }

    [Fact]
    public void A_debugger_is_shown_neither_the_value_nor_the_field()
    {
        Assert.Equal(Redactor.Mask, typeof(SecretString).GetCustomAttribute<DebuggerDisplayAttribute>()!.Value);
        Assert.All(
            typeof(SecretString).GetFields(BindingFlags.NonPublic | BindingFlags.Instance),
            field =>
                Assert.Equal(
                    DebuggerBrowsableState.Never,
                    field.GetCustomAttribute<DebuggerBrowsableAttribute>()?.State
                )
        );
        Assert.Empty(typeof(SecretString).GetProperties());
    }

    [Fact]
    public void It_is_read_from_json_and_from_configuration()
    {
        var login = JsonSerializer.Deserialize<Login>($$"""{"User":"app","Password":"{{Value}}"}""")!;

        Assert.Equal(Value, login.Password.Reveal());
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Login>("""{"Password":7}"""));
        Assert.Equal(
            new SecretString(Value),
            TypeDescriptor.GetConverter(typeof(SecretString)).ConvertFromInvariantString(Value)
        );
    }

    [Theory]
    [InlineData(Value, Value, true)]
    [InlineData(Value, "kR7-mayfly-canary-03", false)]
    [InlineData(Value, "kR7", false)]
    [InlineData("", "", true)]
    public void Two_are_equal_when_their_values_are(string one, string other, bool equal)
    {
        var (left, right) = (new SecretString(one), new SecretString(other));

        Assert.Equal(equal, left == right);
        Assert.Equal(equal, left.Equals((object)right));
        Assert.Equal(!equal, left != right);
        Assert.False(left == null);
        Assert.True(!equal || left.GetHashCode() == right.GetHashCode());
    }

    [Fact]
    public void Its_value_is_redacted_from_the_moment_that_it_is_made()
    {
        const string fresh = "made-a-moment-ago-77";
        Assert.Equal(fresh, Redactor.Shared.Redact(fresh));

        var secret = new SecretString(fresh);

        Assert.Equal($"pw={Redactor.Mask}", Redactor.Shared.Redact($"pw={fresh}"));
        GC.KeepAlive(secret);
    }

    private sealed record Login(string User, SecretString Password);
}
