using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using System.Text;
using Mayfly.Client.Redaction;
using Microsoft.Extensions.Logging;

namespace Mayfly.Client.Testing;

/// <summary>What <see cref="SecretFree"/> listens to by itself.</summary>
[Flags]
public enum SecretFreeCaptures
{
    /// <summary>Nothing: only what is handed to it.</summary>
    None = 0,

    /// <summary><see cref="Console.Out"/> and <see cref="Console.Error"/>, which still get everything.</summary>
    Console = 1,

    /// <summary>Activities of every source, as they end.</summary>
    Activities = 2,

    /// <summary>The tags of measurements of every meter.</summary>
    Metrics = 4,

    /// <summary>Every exception that is thrown, also where it is caught: what it says can be logged one day.</summary>
    Exceptions = 8,

    /// <summary>All of them.</summary>
    All = Console | Activities | Metrics | Exceptions,
}

/// <summary>
/// Asserts that a program tells no secret: give canaries to the program as its secrets, let it run, and call
/// <see cref="Verify"/>. Canaries are found in every encoding that <see cref="Redactor"/> knows, and tokens by their form. What is
/// found is told by place, never by value. Works with every test framework. Safe for concurrent use.
/// </summary>
/// <example>
/// <code>
/// var canary = SecretFree.NewCanary();
/// using var check = new SecretFree(canary);
/// using var logging = LoggerFactory.Create(builder => builder.AddProvider(check.Logs));
/// // … run the program with the canary as its password …
/// check.Verify();
/// </code>
/// </example>
public sealed class SecretFree : IDisposable
{
    private const int Around = 40;

    private readonly ConcurrentQueue<(string Place, string Text)> _captured = [];
    private readonly List<(string Name, Redactor Redactor)> _canaries = [];
    private readonly Redactor _all = new(new SecretRegistry());
    private readonly SecretFreeCaptures _captures;
    private readonly ConsoleTee? _out;
    private readonly ConsoleTee? _error;
    private readonly ActivityListener? _activities;
    private readonly MeterListener? _metrics;
    private int _isDisposed;

    /// <summary>Begins to listen to everything.</summary>
    /// <param name="canaries">The secrets that must not be told, of at least six characters each.</param>
    /// <exception cref="ArgumentException">There are none, or one is too short to be told from other text.</exception>
    public SecretFree(params IReadOnlyList<string> canaries)
        : this(SecretFreeCaptures.All, canaries) { }

    /// <summary>Begins to listen.</summary>
    /// <param name="captures">To what.</param>
    /// <param name="canaries">The secrets that must not be told, of at least six characters each.</param>
    /// <exception cref="ArgumentException">There are none, or one is too short to be told from other text.</exception>
    public SecretFree(SecretFreeCaptures captures, params IReadOnlyList<string> canaries)
    {
        if (canaries.Count == 0)
        {
            throw new ArgumentException("There is no canary to look for.", nameof(canaries));
        }

        for (var i = 0; i < canaries.Count; i++)
        {
            var registry = new SecretRegistry();
            registry.Add(canaries[i]);
            _all.Registry.Add(canaries[i]);
            if (registry.Count == 0)
            {
                throw new ArgumentException($"Canary {i + 1} is too short or too ordinary.", nameof(canaries));
            }

            _canaries.Add(($"canary {i + 1}", new Redactor(registry) { KnowsTokens = false }));
        }

        Logs = new CapturedLogs(Check);
        _captures = captures;
        if (captures.HasFlag(SecretFreeCaptures.Console))
        {
            Console.SetOut(_out = new ConsoleTee(Console.Out));
            Console.SetError(_error = new ConsoleTee(Console.Error));
        }

        if (captures.HasFlag(SecretFreeCaptures.Activities))
        {
            _activities = new ActivityListener
            {
                ShouldListenTo = static _ => true,
                Sample = static (ref ActivityCreationOptions<ActivityContext> _) =>
                    ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = Check,
            };
            ActivitySource.AddActivityListener(_activities);
        }

        if (captures.HasFlag(SecretFreeCaptures.Metrics))
        {
            _metrics = Listen();
        }

        if (captures.HasFlag(SecretFreeCaptures.Exceptions))
        {
            AppDomain.CurrentDomain.FirstChanceException += CheckThrown;
        }
    }

    /// <summary>A provider to add to the logging of the program. It looks at messages, fields, scopes and exceptions.</summary>
    public ILoggerProvider Logs { get; }

    /// <summary>A canary: a random password with characters that JSON, URLs, HTML and shells escape.</summary>
    public static string NewCanary() =>
        "canary-\"<&%+/'\\ é" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));

    /// <summary>Looks at some output.</summary>
    /// <param name="place">Where it comes from, for the report.</param>
    /// <param name="text">The output.</param>
    public void Check(string place, string? text)
    {
        if (text is { Length: > 0 } && _all.FindsSecretIn(text))
        {
            _captured.Enqueue((place, text));
        }
    }

    /// <summary>Looks at an exception: all it says, and its data.</summary>
    /// <param name="place">Where it comes from, for the report.</param>
    /// <param name="exception">The exception.</param>
    public void Check(string place, Exception? exception)
    {
        for (var inner = exception; inner is not null; inner = inner.InnerException)
        {
            Check($"{place}: {inner.GetType().Name}", inner.ToString());
            foreach (System.Collections.DictionaryEntry entry in inner.Data)
            {
                Check($"{place}: {inner.GetType().Name}.Data", $"{entry.Key}\n{entry.Value}");
            }
        }
    }

    /// <summary>Looks at every file below a folder, byte for byte.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public void CheckFiles(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            var bytes = File.ReadAllBytes(file);
            Check($"the name of {Path.GetFileName(file)}", Path.GetRelativePath(folder, file));
            var text = Encoding.Latin1.GetString(bytes);
            var place = $"file {Path.GetRelativePath(folder, file)}";
            if (_all.FindsSecretIn(text))
            {
                Check(place, text);
            }
            else
            {
                // Of UTF-16 the bytes show only what Latin-1 has, too.
                Check($"{place}, read as UTF-16", Encoding.Unicode.GetString(bytes));
            }
        }
    }

    /// <summary>Where canaries were seen until now.</summary>
    public IReadOnlyList<SecretLeak> Leaks()
    {
        _metrics?.RecordObservableInstruments();
        Check("Console.Out", _out?.Text);
        Check("Console.Error", _error?.Text);
        return [.. _captured.SelectMany(one => Find(one.Place, one.Text)).Distinct()];
    }

    /// <summary>Passes when no canary was seen until now.</summary>
    /// <exception cref="SecretLeakException">One was. The exception tells where.</exception>
    public void Verify()
    {
        if (Leaks() is { Count: > 0 } leaks)
        {
            throw new SecretLeakException(leaks);
        }
    }

    /// <summary>Stops to listen, and gives the console back.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 1)
        {
            return;
        }

        _out?.GiveBack(Console.SetOut);
        _error?.GiveBack(Console.SetError);
        _activities?.Dispose();
        _metrics?.Dispose();
        Logs.Dispose();
        if (_captures.HasFlag(SecretFreeCaptures.Exceptions))
        {
            AppDomain.CurrentDomain.FirstChanceException -= CheckThrown;
        }
    }

    private IEnumerable<SecretLeak> Find(string place, string text)
    {
        place = _all.Redact(place);
        var isNamed = false;
        foreach (var (name, redactor) in _canaries)
        {
            foreach (var (start, end) in redactor.Find(text) ?? [])
            {
                isNamed = true;
                yield return new SecretLeak(place, name, start, Excerpt(text, start, end));
            }
        }

        if (!isNamed && _all.Find(text) is [var (first, last), ..])
        {
            yield return new SecretLeak(place, "a token", first, Excerpt(text, first, last));
        }
    }

    private string Excerpt(string text, int start, int end)
    {
        // Cut where no secret is cut: what is left of one would be shown.
        var clean = new StringBuilder();
        var at = 0;
        var mask = 0;
        foreach (var (from, to) in _all.Find(text) ?? [])
        {
            clean.Append(text, at, from - at);
            mask = from <= start && end <= to ? clean.Length : mask;
            clean.Append(Redactor.Mask);
            at = to;
        }

        clean.Append(text, at, text.Length - at);
        var first = Math.Max(0, mask - Around);
        return clean.ToString(first, Math.Min(clean.Length - first, 2 * Around + Redactor.Mask.Length));
    }

    private void Check(Activity activity)
    {
        var place = $"activity {activity.OperationName} of {activity.Source.Name}";
        Check($"{place}: name", activity.DisplayName);
        Check($"{place}: status", activity.StatusDescription);
        Check($"{place}: trace state", activity.TraceStateString);
        CheckTags(place, activity.TagObjects);
        CheckTags(
            $"{place}: baggage",
            activity.Baggage.Select(item => new KeyValuePair<string, object?>(item.Key, item.Value))
        );
        foreach (var happened in activity.Events)
        {
            Check($"{place}: event", happened.Name);
            CheckTags($"{place}: event {happened.Name}", happened.Tags);
        }

        foreach (var link in activity.Links)
        {
            CheckTags($"{place}: link", link.Tags ?? []);
        }
    }

    private MeterListener Listen()
    {
        var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) => listener.EnableMeasurementEvents(instrument),
        };
        Add<byte>();
        Add<short>();
        Add<int>();
        Add<long>();
        Add<float>();
        Add<double>();
        Add<decimal>();
        listener.Start();
        return listener;

        void Add<T>()
            where T : struct =>
            listener.SetMeasurementEventCallback<T>(
                (instrument, _, tags, _) =>
                {
                    foreach (var tag in tags)
                    {
                        CheckTags($"metric {instrument.Name} of {instrument.Meter.Name}", [tag]);
                    }
                }
            );
    }

    [SuppressMessage("Design", "CA1031", Justification = "An exception whose text throws says nothing.")]
    private void CheckThrown(object? sender, FirstChanceExceptionEventArgs thrown)
    {
        try
        {
            Check("thrown", thrown.Exception);
        }
        catch (Exception)
        {
            // It is not this check's to fail in the middle of what throws.
        }
    }

    private void CheckTags(string place, IEnumerable<KeyValuePair<string, object?>> tags)
    {
        foreach (var (name, value) in tags)
        {
            Check($"{place}: name of a tag", name);
            Check($"{place}: tag {name}", CapturedLogs.Text(value));
        }
    }
}
