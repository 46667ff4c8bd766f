namespace Mayfly.Client.Redaction;

/// <summary>
/// The secret values that this process has been given, as hashes: enough to find a value in a text, not to tell it. Values
/// of fewer than <see cref="MinimumLength"/> characters, and ordinary words such as <c>default</c>, are not
/// remembered, because logs would lose their meaning; those of six and seven characters are found only where no letter or
/// digit adjoins. Safe for concurrent use.
/// </summary>
public sealed class SecretRegistry
{
    /// <summary>Shorter values are not remembered.</summary>
    public const int MinimumLength = PatternTable.Window;

    /// <summary>What a value of ordinary length needs.</summary>
    private const int PatternsPerValue = 16;

    private readonly Lock _lock = new();
    private readonly PatternHash _hash = new();
    private readonly Dictionary<UInt128, Entry> _entries = [];
    private readonly HashSet<string> _ignored = new(StringComparer.OrdinalIgnoreCase)
    {
        "application",
        "database",
        "default",
        "development",
        "disabled",
        "enabled",
        "localhost",
        "mariadb",
        "password",
        "postgres",
        "postgresql",
        "production",
        "rabbitmq",
        "redacted",
        "staging",
        "username",
    };

    private readonly int _limit;
    private volatile PatternTable _table;
    private int _patterns;
    private long _added;
    private long _forgotten;

    /// <summary>An empty registry.</summary>
    /// <param name="capacity">
    /// How many values it remembers; one of more than about 100 characters counts as several. Beyond it those go that
    /// nothing keeps, then those that were added first.
    /// </param>
    public SecretRegistry(int capacity = 10_000)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        _limit = capacity * PatternsPerValue;
        _table = new PatternTable(_hash, 64);
    }

    /// <summary>The one that the SDK fills, and that redaction uses unless told otherwise.</summary>
    public static SecretRegistry Shared { get; } = new();

    /// <summary>How many values are remembered, with the parts that are secret by themselves.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>How many values went because there were too many. Other than 0: raise the capacity.</summary>
    public long Forgotten => Interlocked.Read(ref _forgotten);

    /// <summary>What to look for in texts.</summary>
    internal PatternTable Table => _table;

    /// <summary>
    /// Remembers a value, and what is secret by itself inside it: the strings of a JSON document, long lines, the password of
    /// a URL or connection string. Of more than 1,048,576 characters only those are looked for.
    /// </summary>
    /// <param name="value">The secret.</param>
    /// <param name="owner">While this lives, the value is not forgotten before others that nothing keeps.</param>
    public void Add(string value, object? owner = null)
    {
        ArgumentNullException.ThrowIfNull(value);
        lock (_lock)
        {
            if (AddOne(value, owner))
            {
                foreach (var part in SecretParts.Of(value))
                {
                    AddOne(part, owner);
                }

                Forget();
            }
        }
    }

    /// <summary>Says that a value is none to be hidden, such as the name of a host, now and later.</summary>
    /// <param name="value">The value, in any case.</param>
    public void Ignore(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        lock (_lock)
        {
            _ignored.Add(value);
            if (_entries.Remove(_hash.Of(value), out var entry))
            {
                _patterns -= entry.Patterns.Count;
                Rebuild(_table.Capacity);
            }
        }
    }

    /// <summary>Whether it is new, and to be remembered.</summary>
    private bool AddOne(string value, object? owner)
    {
        if (value.Length < MinimumLength || _ignored.Contains(value))
        {
            return false;
        }

        var id = _hash.Of(value);
        if (_entries.TryGetValue(id, out var known))
        {
            known.Keep(owner, ++_added);
            return false;
        }

        var forms = SecretForms.Of(value).Distinct().ToList();
        var entry = new Entry { Patterns = new List<SecretPattern>(forms.Count) };
        entry.Keep(owner, ++_added);
        if (_table.Count + forms.Count > _table.Capacity)
        {
            Rebuild((_patterns + forms.Count) * 2);
        }

        foreach (var (text, kind) in forms)
        {
            var pattern = new SecretPattern(
                _hash.OfWindow(PatternTable.KeyOf(text.AsSpan(0, PatternTable.Window))),
                _hash.OfWindow(PatternTable.KeyOf(text.AsSpan(text.Length - PatternTable.Window))),
                text.Length,
                _hash.Of(text),
                kind
            );
            entry.Patterns.Add(pattern);
            _table.Add(pattern, text);
        }

        _entries.Add(id, entry);
        _patterns += entry.Patterns.Count;
        return true;
    }

    /// <summary>Forgets an eighth more than must be, so that it need not be done for each value.</summary>
    private void Forget()
    {
        if (_patterns <= _limit)
        {
            return;
        }

        foreach (
            var (id, entry) in _entries.OrderBy(pair => pair.Value.IsKept).ThenBy(pair => pair.Value.Added).ToList()
        )
        {
            if (_patterns <= _limit - _limit / 8 || _entries.Count == 1)
            {
                break;
            }

            _entries.Remove(id);
            _patterns -= entry.Patterns.Count;
            Interlocked.Increment(ref _forgotten);
        }

        Rebuild(_patterns);
    }

    private void Rebuild(int capacity)
    {
        var table = new PatternTable(_hash, capacity);
        table.AddAll(_entries.Values.SelectMany(entry => entry.Patterns), _table);
        _table = table;
    }

    private sealed class Entry
    {
        private const int MaxOwners = 8;

        private readonly List<WeakReference> _owners = [];

        public required List<SecretPattern> Patterns { get; init; }

        public long Added { get; private set; }

        public bool IsKept => _owners.Exists(owner => owner.IsAlive);

        public void Keep(object? owner, long order)
        {
            Added = order;
            if (owner is not null)
            {
                _owners.RemoveAll(old => !old.IsAlive);
                if (_owners.Count == MaxOwners)
                {
                    _owners.RemoveAt(0);
                }

                _owners.Add(new WeakReference(owner));
            }
        }
    }
}
