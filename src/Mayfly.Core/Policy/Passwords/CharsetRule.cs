namespace Mayfly.Core.Policy.Passwords;

/// <summary>Characters that a password is made of, and how many of them it has at least. Immutable.</summary>
/// <param name="Charset">The characters; which are given twice does not matter.</param>
/// <param name="MinChars">Zero or more.</param>
internal sealed record CharsetRule(string Charset, int MinChars);
