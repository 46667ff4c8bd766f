using System.Collections;

namespace Mayfly.Client.Redaction.Logging;

/// <summary>What one entry or scope of a log says, without secrets: its text and its fields.</summary>
internal sealed class LogFields(string text, IReadOnlyList<KeyValuePair<string, object?>> fields)
    : IReadOnlyList<KeyValuePair<string, object?>>
{
    public int Count => fields.Count;

    public KeyValuePair<string, object?> this[int index] => fields[index];

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() => fields.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => text;

    /// <summary>What stands for the fields of an entry, or null when they are free of secrets.</summary>
    /// <param name="state">The fields.</param>
    /// <param name="message">The text that was made of them.</param>
    /// <param name="redactor">Knows the secrets.</param>
    public static LogFields? Of(IEnumerable<KeyValuePair<string, object?>> state, string message, Redactor redactor)
    {
        var isRedacted = redactor.TryRedact(message, out var clean);
        var fields = new FieldList(state);
        if (isRedacted)
        {
            fields.HideParts(message, redactor);
        }

        return fields.Redact(redactor) || isRedacted
            ? new LogFields(isRedacted ? clean : message, fields.ToArray())
            : null;
    }

    /// <summary>The fields while they are looked through; copied when the first of them is replaced.</summary>
    private struct FieldList(IEnumerable<KeyValuePair<string, object?>> state)
    {
        private KeyValuePair<string, object?>[]? _copy;

        public bool Redact(Redactor redactor)
        {
            var changed = _copy is not null;
            // Most states are lists, which need no enumerator on the heap.
            var list = state as IReadOnlyList<KeyValuePair<string, object?>>;
            var count = list?.Count ?? ToArray().Length;
            for (var i = 0; i < count; i++)
            {
                var (key, value) = _copy is null ? list![i] : _copy[i];
                var name = redactor.Redact(key);
                var clean = RedactedValue.Of(value, redactor);
                if (!ReferenceEquals(name, key) || !ReferenceEquals(clean, value))
                {
                    ToArray()[i] = new(name, clean);
                    changed = true;
                }
            }

            return changed;
        }

        /// <summary>A secret can be split over fields, so that none of them is one: each loses its part.</summary>
        public void HideParts(string message, Redactor redactor)
        {
            var fields = ToArray();
            var found = redactor.Find(message)!;
            var holes = MessageTemplate.Holes(fields, message);
            for (var i = 0; i < fields.Length; i++)
            {
                if (fields[i].Key == MessageTemplate.Key || fields[i].Value is null)
                {
                    continue;
                }

                // What can be shown without its secret in the form that it has, is.
                var value = fields[i].Value;
                if (value is not string && RedactedValue.IsNeeded(value, redactor))
                {
                    continue;
                }

                if (holes is not null)
                {
                    if (i < holes.Count && Part(message, holes[i], found) is { } rest)
                    {
                        fields[i] = new(fields[i].Key, rest);
                    }
                }
                else if (MessageTemplate.IsPartOf(message, value, found))
                {
                    fields[i] = new(fields[i].Key, Redactor.Mask);
                }
            }
        }

        public KeyValuePair<string, object?>[] ToArray() => _copy ??= [.. state];

        /// <summary>The text of a field with what is secret in the message replaced, or null when nothing is.</summary>
        private static string? Part(string message, (int Start, int End) hole, List<(int Start, int End)> found)
        {
            var text = "";
            var at = hole.Start;
            var isHit = false;
            foreach (var (start, end) in found)
            {
                if (end > at && start < hole.End)
                {
                    isHit = true;
                    text += message[at..Math.Max(at, start)] + Redactor.Mask;
                    at = Math.Min(end, hole.End);
                }
            }

            return isHit ? text + message[at..hole.End] : null;
        }
    }
}
