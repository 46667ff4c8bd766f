using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Mayfly.Core.Pipeline;
using Microsoft.AspNetCore.Http;

namespace Mayfly.Server.Http.Vault;

/// <summary>
/// The headers that the audit may record, by lower-case name, read from the connection only when somebody asks. Those
/// that carry credentials are not among them. Valid until the request ends.
/// </summary>
internal sealed class RequestHeaders(IHeaderDictionary headers) : IReadOnlyDictionary<string, string>
{
    public string this[string key] => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException();

    public IEnumerable<string> Keys => this.Select(pair => pair.Key);

    public IEnumerable<string> Values => this.Select(pair => pair.Value);

    public int Count => Keys.Count();

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out string value)
    {
        value = IsSecret(key) ? null : headers[key].ToString();
        return !string.IsNullOrEmpty(value);
    }

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator()
    {
        foreach (var (name, value) in headers)
        {
            if (!IsSecret(name))
            {
                yield return new(name.ToLowerInvariant(), value.ToString());
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static bool IsSecret(string name) =>
        name.Equals("x-vault-token", StringComparison.OrdinalIgnoreCase)
        || name.Equals("authorization", StringComparison.OrdinalIgnoreCase)
        || name.Equals("proxy-authorization", StringComparison.OrdinalIgnoreCase)
        || name.Equals("cookie", StringComparison.OrdinalIgnoreCase);
}
