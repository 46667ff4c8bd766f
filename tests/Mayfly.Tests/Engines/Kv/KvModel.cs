namespace Mayfly.Tests.Engines.Kv;

/// <summary>What a versioned mount means, as simply as it can be said: the reference for random sequences of requests.</summary>
internal sealed class KvModel
{
    public Dictionary<string, Key> Keys { get; } = new(StringComparer.Ordinal);

    public int MaxVersions { get; set; }

    public int DeleteAfter { get; set; }

    /// <summary>Seconds since the beginning.</summary>
    public int Now { get; set; }

    public void Put(string path, string value)
    {
        if (!Keys.TryGetValue(path, out var key))
        {
            Keys[path] = key = new Key();
        }

        key.Current++;
        key.Versions[key.Current] = new Version { Value = value, Ends = Ends(key) };
        var max = Math.Max(MaxVersions, key.MaxVersions);
        foreach (var old in key.Versions.Keys.Where(old => old <= key.Current - (max == 0 ? 10 : max)).ToList())
        {
            key.Versions.Remove(old);
        }
    }

    public void Delete(string path, int number)
    {
        if (Find(path, number) is { } version && IsLive(version))
        {
            version.Ends = Now;
        }
    }

    public void Undelete(string path, int number)
    {
        if (Find(path, number) is { Ends: not null } version)
        {
            version.Ends = Ends(Keys[path]);
        }
    }

    public void Destroy(string path, int number)
    {
        if (Find(path, number) is { } version)
        {
            version.Value = null;
        }
    }

    public string? Read(string path, int number) =>
        Find(path, number) is { } version && IsLive(version) ? version.Value : null;

    public int Current(string path) => Keys.TryGetValue(path, out var key) ? key.Current : 0;

    private Version? Find(string path, int number) =>
        Keys.TryGetValue(path, out var key) && key.Versions.TryGetValue(number, out var version) ? version : null;

    private bool IsLive(Version version) => version.Value is not null && (version.Ends is null || version.Ends > Now);

    private int? Ends(Key key)
    {
        var after = new[] { DeleteAfter, key.DeleteAfter }.Where(seconds => seconds > 0).ToList();
        return DeleteAfter < 0 || after.Count == 0 ? null : Now + after.Min();
    }

    public sealed class Key
    {
        public int Current { get; set; }

        public int MaxVersions { get; set; }

        public int DeleteAfter { get; set; }

        public SortedDictionary<int, Version> Versions { get; } = [];
    }

    public sealed class Version
    {
        /// <summary>Null once it is destroyed.</summary>
        public string? Value { get; set; }

        public int? Ends { get; set; }
    }
}
