using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Consumers;

/// <summary>What a program that reads secrets may call itself.</summary>
public static class ConsumerName
{
    private const int Longest = 128;

    /// <summary>What is wrong with the name, or null.</summary>
    public static Fault? Problem(string name) =>
        name.Length is 0 or > Longest || name.AsSpan().ContainsAnyExceptInRange('!', '~')
            ? Fault.Invalid(
                $"a consumer is named app/instance: 1 to {Longest} printable ASCII characters without spaces"
            )
            : null;
}
