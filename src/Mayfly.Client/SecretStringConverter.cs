using System.ComponentModel;
using System.Globalization;

namespace Mayfly.Client;

/// <summary>Lets configuration be bound to options that hold secrets. Converts from text, and to text only as the mask.</summary>
internal sealed class SecretStringConverter : TypeConverter
{
    public override bool CanConvertFrom(ITypeDescriptorContext? context, Type sourceType) =>
        sourceType == typeof(string) || base.CanConvertFrom(context, sourceType);

    public override object? ConvertFrom(ITypeDescriptorContext? context, CultureInfo? culture, object value) =>
        value is string text ? new SecretString(text) : base.ConvertFrom(context, culture, value);
}
