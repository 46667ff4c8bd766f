using System.Globalization;
using System.Text;

namespace Mayfly.Core.Engines.Database.PostgreSql;

/// <summary>
/// A <c>connection_url</c>, in either of the forms that libpq knows: <c>postgres://user:password@host:port/database?sslmode=…</c>
/// or <c>host=… port=… dbname=…</c>. What <c>{{username}}</c> and <c>{{password}}</c> stand for is put in after it was read, so
/// that it needs no escaping. Immutable.
/// </summary>
internal sealed class PostgresUrl
{
    private const string UsernamePlaceholder = "{{username}}";
    private const string PasswordPlaceholder = "{{password}}";
    private const string Hidden = "xxxxx";

    /// <summary>The settings that are never shown: the password, and that of the key which <c>sslkey</c> names.</summary>
    private static readonly string[] SecretSettings = ["password", "sslpassword"];

    private readonly Dictionary<string, string> _settings;

    private PostgresUrl(Dictionary<string, string> settings) => _settings = settings;

    /// <summary>The settings under libpq's names; <c>host</c> and <c>port</c> may be lists with commas.</summary>
    public IReadOnlyDictionary<string, string> Settings => _settings;

    /// <summary>The password comes from the configuration.</summary>
    public bool TakesPassword => Setting("password") == PasswordPlaceholder;

    public string Username(string configured) => Fill(Setting("user"), configured, "");

    public string Password(string configured) => Fill(Setting("password"), "", configured);

    public string Setting(string name) => _settings.GetValueOrDefault(name, "");

    /// <returns>The settings, or what is wrong; the message has no part of the text, which may hold a password.</returns>
    public static (PostgresUrl? Url, string? Problem) Parse(string text)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        var scheme = new[] { "postgres://", "postgresql://" }.FirstOrDefault(prefix =>
            text.StartsWith(prefix, StringComparison.Ordinal)
        );
        var problem = scheme is null ? ReadPairs(text, settings) : ReadUrl(text[scheme.Length..], settings);
        return problem is null ? (new PostgresUrl(settings), null) : (null, $"connection_url: {problem}");
    }

    /// <summary>The text with a password that stands in it made unreadable.</summary>
    public static string Redacted(string text)
    {
        var (url, _) = Parse(text);
        if (url is null)
        {
            // Nobody can say where in it a password stands.
            return text.Length == 0 ? "" : "(not readable)";
        }

        var shown = text;
        foreach (var secret in url.Secrets())
        {
            shown = shown
                .Replace(secret, Hidden, StringComparison.Ordinal)
                .Replace(Uri.EscapeDataString(secret), Hidden, StringComparison.Ordinal);
        }

        return Parse(shown).Url?.Secrets().All(secret => secret == Hidden) == true ? shown : "(holds a password)";
    }

    private IEnumerable<string> Secrets() =>
        SecretSettings.Select(Setting).Where(value => value.Length > 0 && value != PasswordPlaceholder);

    private static string Fill(string setting, string username, string password) =>
        setting
            .Replace(UsernamePlaceholder, username, StringComparison.Ordinal)
            .Replace(PasswordPlaceholder, password, StringComparison.Ordinal);

    private static string? ReadUrl(string rest, Dictionary<string, string> settings)
    {
        var query = rest.IndexOf('?');
        if (query >= 0)
        {
            foreach (var pair in rest[(query + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
            {
                var parts = pair.Split('=', 2);
                settings[Unescape(parts[0])] = parts.Length == 2 ? Unescape(parts[1]) : "";
            }

            rest = rest[..query];
        }

        // A password may hold an at sign or a slash that nobody escaped: the last at sign ends it.
        var at = rest.LastIndexOf('@');
        if (at >= 0)
        {
            var user = rest[..at].Split(':', 2);
            settings["user"] = Unescape(user[0]);
            if (user.Length == 2)
            {
                settings["password"] = Unescape(user[1]);
            }

            rest = rest[(at + 1)..];
        }

        var slash = rest.IndexOf('/');
        if (slash >= 0)
        {
            if (rest.Length > slash + 1)
            {
                settings["dbname"] = Unescape(rest[(slash + 1)..]);
            }

            rest = rest[..slash];
        }

        return rest.Length == 0 ? null : ReadHosts(rest, settings);
    }

    private static string? ReadHosts(string text, Dictionary<string, string> settings)
    {
        var hosts = new List<string>();
        var ports = new List<string>();
        foreach (var each in text.Split(','))
        {
            var close = each.StartsWith('[') ? each.IndexOf(']') : -1;
            var colon = each.IndexOf(':', close + 1);
            var host = colon < 0 ? each : each[..colon];
            hosts.Add(Unescape(close > 0 ? host.Trim('[', ']') : host));
            ports.Add(colon < 0 ? "" : each[(colon + 1)..]);
        }

        settings["host"] = string.Join(',', hosts);
        if (ports.Any(port => port.Length > 0))
        {
            settings["port"] = string.Join(',', ports);
        }

        return ports.All(IsPort) ? null : "the port is not a number from 1 to 65535";
    }

    private static bool IsPort(string port) =>
        port.Length == 0
        || (ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0);

    private static string? ReadPairs(string text, Dictionary<string, string> settings)
    {
        for (var at = 0; ; )
        {
            while (at < text.Length && char.IsWhiteSpace(text[at]))
            {
                at++;
            }

            if (at == text.Length)
            {
                return settings.Count == 0 ? "it is empty" : CheckPorts(settings);
            }

            var equals = text.IndexOf('=', at);
            if (equals < 0)
            {
                return "it is neither a URL (postgres://…) nor a list such as host=… dbname=…";
            }

            var name = text[at..equals].Trim();
            if (name.Length == 0 || name.Any(character => !char.IsAsciiLetterOrDigit(character) && character != '_'))
            {
                return "it is neither a URL (postgres://…) nor a list such as host=… dbname=…";
            }

            at = equals + 1;
            while (at < text.Length && char.IsWhiteSpace(text[at]))
            {
                at++;
            }

            if (ReadValue(text, ref at) is not { } value)
            {
                return "a quote is not closed";
            }

            settings[name] = value;
        }
    }

    private static string? CheckPorts(Dictionary<string, string> settings) =>
        settings.GetValueOrDefault("port", "").Split(',').All(IsPort)
            ? null
            : "the port is not a number from 1 to 65535";

    private static string? ReadValue(string text, ref int at)
    {
        var quoted = at < text.Length && text[at] == '\'';
        at += quoted ? 1 : 0;
        var value = new StringBuilder();
        while (at < text.Length && (quoted ? text[at] != '\'' : !char.IsWhiteSpace(text[at])))
        {
            if (text[at] == '\\' && at + 1 < text.Length)
            {
                at++;
            }

            value.Append(text[at++]);
        }

        if (!quoted)
        {
            return value.ToString();
        }

        return at++ < text.Length ? value.ToString() : null;
    }

    private static string Unescape(string text) => Uri.UnescapeDataString(text);
}
