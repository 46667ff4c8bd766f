using Mayfly.Hcl;

namespace Mayfly.Tests.Hcl;

public sealed class DurationTests
{
    [Theory]
    [InlineData("90", 90)]
    [InlineData("1h", 3600)]
    [InlineData("1d", 86400)]
    [InlineData("1h30m", 5400)]
    [InlineData("1.5h", 5400)]
    [InlineData("0", 0)]
    [InlineData("500ms", 0.5)]
    public void Spellings_of_vaults_clients_parse(string text, double seconds)
    {
        Assert.True(Durations.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromSeconds(seconds), duration);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("-1h")]
    [InlineData("1x")]
    [InlineData("h")]
    [InlineData("1hh")]
    [InlineData("99999999999999999999")]
    [InlineData("9999999h")]
    [InlineData("1.2.3s")]
    public void Everything_else_is_refused(string text) => Assert.False(Durations.TryParse(text, out _));
}
