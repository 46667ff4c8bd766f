using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Mayfly.Client.Redaction;

namespace Mayfly.Client;

/// <summary>
/// Text that does not tell itself: not by <see cref="ToString"/>, interpolation, JSON or a debugger, and not as a member of
/// a record. Only <see cref="Reveal"/> tells. Its value is known to <see cref="SecretRegistry.Shared"/> from the moment that
/// it is made, and at least for as long as it lives, so that <see cref="Redactor"/> finds it. Immutable.
/// </summary>
[DebuggerDisplay("[redacted]")]
[JsonConverter(typeof(SecretStringJsonConverter))]
[TypeConverter(typeof(SecretStringConverter))]
public sealed class SecretString : IEquatable<SecretString>
{
    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private readonly string _value;

    /// <summary>Keeps <paramref name="value"/>.</summary>
    /// <param name="value">The secret.</param>
    public SecretString(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        _value = value;
        SecretRegistry.Shared.Add(value, this);
    }

    /// <summary>The secret itself. Give it to what needs it, and keep it nowhere.</summary>
    public string Reveal() => _value;

    /// <summary><see cref="Redactor.Mask"/>, whatever the value is.</summary>
    public override string ToString() => Redactor.Mask;

    /// <summary>The values are the same. Takes a time that tells no more than whether their lengths differ.</summary>
    /// <param name="other">What to compare with.</param>
    public bool Equals(SecretString? other) =>
        other is not null
        && CryptographicOperations.FixedTimeEquals(
            MemoryMarshal.AsBytes(_value.AsSpan()),
            MemoryMarshal.AsBytes(other._value.AsSpan())
        );

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as SecretString);

    /// <summary>A hash with a key of this process, which tells nothing outside of it.</summary>
    public override int GetHashCode() => _value.GetHashCode(StringComparison.Ordinal);

    /// <summary>See <see cref="Equals(SecretString?)"/>.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(SecretString? left, SecretString? right) =>
        left is null ? right is null : left.Equals(right);

    /// <summary>See <see cref="Equals(SecretString?)"/>.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator !=(SecretString? left, SecretString? right) => !(left == right);
}
