using System.Globalization;
using Mayfly.Hcl;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Mayfly.Agent.Configuration;

/// <summary>Reads YAML into the tree that HCL and JSON give: mappings are bodies without labels.</summary>
internal sealed class YamlDocument
{
    private readonly Parser _parser;
    private readonly Dictionary<AnchorName, HclValue> _anchors = [];

    private YamlDocument(string text) => _parser = new Parser(new StringReader(text));

    /// <summary>Exactly one of the two results is null. No text makes it throw.</summary>
    public static (HclBody? Body, HclError? Error) Parse(string text)
    {
        if (text.Length > HclParser.MaxLength)
        {
            return (null, new HclError(new(1, 1), $"the document is longer than {HclParser.MaxLength} characters"));
        }

        try
        {
            return (new YamlDocument(text).ReadDocument(), null);
        }
        catch (YamlException wrong)
        {
            return (null, new HclError(At(wrong.Start), $"invalid YAML: {Reason(wrong)}"));
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or FormatException)
        {
            // The library's way to say of some texts that they make no sense.
            return (null, new HclError(new(1, 1), "invalid YAML"));
        }
    }

    private HclBody ReadDocument()
    {
        Next();
        Next();
        if (_parser.Current is StreamEnd)
        {
            return new HclBody([], new HclPosition(1, 1));
        }

        Next();
        var root = ReadValue(depth: 1);
        Next();
        Next();
        if (_parser.Current is not StreamEnd)
        {
            throw Wrong("only one document is expected");
        }

        return root switch
        {
            HclObject found => found.Body,
            HclNull => new HclBody([], root.Position),
            _ => throw new YamlException(
                new Mark(0, root.Position.Line, root.Position.Column),
                default,
                "expected a mapping"
            ),
        };
    }

    private void Next()
    {
        if (!_parser.MoveNext())
        {
            throw Wrong("the document ends too early");
        }
    }

    /// <summary>The value whose first event is the current one; its last event is then the current one.</summary>
    private HclValue ReadValue(int depth)
    {
        if (depth > HclParser.MaxDepth)
        {
            throw Wrong($"nested deeper than {HclParser.MaxDepth} levels");
        }

        switch (_parser.Current)
        {
            case Scalar scalar:
                return Remember(scalar.Anchor, ReadScalar(scalar));
            case AnchorAlias alias:
                return _anchors.TryGetValue(alias.Value, out var known)
                    ? known
                    : throw Wrong($"there is no anchor '{alias.Value}' before this");
            case SequenceStart sequence:
                var items = new List<HclValue>();
                for (Next(); _parser.Current is not SequenceEnd; Next())
                {
                    items.Add(ReadValue(depth + 1));
                }

                return Remember(sequence.Anchor, new HclList(items, At(sequence.Start)));
            case MappingStart mapping:
                return Remember(mapping.Anchor, ReadMapping(mapping, depth));
            default:
                throw Wrong("a value was expected");
        }
    }

    private HclObject ReadMapping(MappingStart mapping, int depth)
    {
        var entries = new List<HclItem>();
        var merged = new List<HclItem>();
        for (Next(); _parser.Current is not MappingEnd; Next())
        {
            if (_parser.Current is not Scalar key)
            {
                throw Wrong("the name of an entry must be a text");
            }

            var position = At(key.Start);
            Next();
            var value = ReadValue(depth + 1);
            if (key is { Value: "<<", Style: ScalarStyle.Plain } && value is HclObject other)
            {
                merged.AddRange(other.Body.Items);
            }
            else
            {
                entries.Add(new HclItem(key.Value, [], value, position));
            }
        }

        // What stands here goes before what is merged in.
        entries.AddRange(merged.Where(item => entries.TrueForAll(own => own.Key != item.Key)));

        var start = At(mapping.Start);
        return new HclObject(new HclBody(entries, start), start);
    }

    private HclValue Remember(AnchorName anchor, HclValue value)
    {
        if (!anchor.IsEmpty)
        {
            _anchors[anchor] = value;
        }

        return value;
    }

    /// <summary>Plain scalars as YAML's core schema reads them; all others are texts.</summary>
    private static HclValue ReadScalar(Scalar scalar)
    {
        var position = At(scalar.Start);
        var text = scalar.Value;
        if (scalar.Style != ScalarStyle.Plain || !scalar.Tag.IsEmpty)
        {
            return new HclString(text, position);
        }

        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return new HclNull(position);
            case "true" or "True" or "TRUE":
                return new HclBool(true, position);
            case "false" or "False" or "FALSE":
                return new HclBool(false, position);
            default:
                break;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer))
        {
            return new HclNumber(text, integer, integer, position);
        }

        return
            (char.IsAsciiDigit(text[0]) || text[0] is '-' or '.')
            && double.TryParse(
                text,
                NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
                CultureInfo.InvariantCulture,
                out var number
            )
            ? new HclNumber(text, number, null, position)
            : new HclString(text, position);
    }

    private YamlException Wrong(string message) =>
        new(_parser.Current?.Start ?? Mark.Empty, _parser.Current?.End ?? Mark.Empty, message);

    private static HclPosition At(Mark mark) => new((int)Math.Max(1, mark.Line), (int)Math.Max(1, mark.Column));

    /// <summary>The library's reasons quote nothing of the document beyond a character or a name; the place is told separately.</summary>
    private static string Reason(YamlException wrong)
    {
        var message = wrong.Message;
        var colon = message.IndexOf("): ", StringComparison.Ordinal);
        return message.StartsWith('(') && colon > 0 ? message[(colon + 3)..] : message;
    }
}
