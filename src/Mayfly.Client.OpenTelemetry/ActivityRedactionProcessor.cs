using System.Diagnostics;
using System.Runtime.CompilerServices;
using Mayfly.Client.Redaction;
using OpenTelemetry;

namespace Mayfly.Client.OpenTelemetry;

/// <summary>
/// Takes secrets out of spans as they end: name, attributes, events, links, status and trace state. Safe for concurrent use.
/// </summary>
internal sealed class ActivityRedactionProcessor(Redactor redactor) : BaseProcessor<Activity>
{
    /// <inheritdoc/>
    public override void OnEnd(Activity data)
    {
        if (redactor.FindsSecretIn(data.DisplayName))
        {
            data.DisplayName = redactor.Redact(data.DisplayName);
        }

        if (data.StatusDescription is { } description && redactor.FindsSecretIn(description))
        {
            data.SetStatus(data.Status, redactor.Redact(description));
        }

        if (data.TraceStateString is { } state && redactor.FindsSecretIn(state))
        {
            data.TraceStateString = null;
        }

        // The enumerators of activities give references to what they enumerate. Events and links can be replaced in no other
        // way, and attributes with the same name twice neither. Nobody else changes a span that has ended.
        foreach (ref readonly var tag in data.EnumerateTagObjects())
        {
            if (IsRedacted(tag, out var clean))
            {
                Unsafe.AsRef(in tag) = clean;
            }
        }

        foreach (ref readonly var happened in data.EnumerateEvents())
        {
            if (
                Redact(happened.EnumerateTagObjects()) is var tags
                && (tags is not null || redactor.FindsSecretIn(happened.Name))
            )
            {
                Unsafe.AsRef(in happened) = new ActivityEvent(
                    redactor.Redact(happened.Name),
                    happened.Timestamp,
                    tags ?? [.. happened.Tags]
                );
            }
        }

        foreach (ref readonly var link in data.EnumerateLinks())
        {
            var tags = Redact(link.EnumerateTagObjects());
            var context = WithoutSecretState(link.Context);
            if (tags is not null || context != link.Context)
            {
                Unsafe.AsRef(in link) = new ActivityLink(context, tags ?? (link.Tags is { } same ? [.. same] : null));
            }
        }
    }

    /// <summary>A trace state has a form of its own, in which a mask would not be one: with a secret, all of it goes.</summary>
    private ActivityContext WithoutSecretState(ActivityContext context) =>
        context.TraceState is { } state && redactor.FindsSecretIn(state)
            ? new ActivityContext(context.TraceId, context.SpanId, context.TraceFlags, null, context.IsRemote)
            : context;

    private ActivityTagsCollection? Redact(Activity.Enumerator<KeyValuePair<string, object?>> tags)
    {
        var (all, changed) = (new ActivityTagsCollection(), false);
        foreach (ref readonly var tag in tags)
        {
            changed |= IsRedacted(tag, out var clean);
            all[clean.Key] = clean.Value;
        }

        return changed ? all : null;
    }

    private bool IsRedacted(in KeyValuePair<string, object?> tag, out KeyValuePair<string, object?> clean)
    {
        clean = new(redactor.Redact(tag.Key), RedactedValue.Of(tag.Value, redactor));
        return !ReferenceEquals(clean.Key, tag.Key) || !ReferenceEquals(clean.Value, tag.Value);
    }
}
