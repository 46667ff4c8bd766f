using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Mayfly.Agent.Templates.Values;

namespace Mayfly.Agent.Templates.Functions;

/// <summary>
/// The addresses of this machine, in the small language of <c>sockaddr</c>: a source (<c>GetPrivateIP</c>,
/// <c>GetAllInterfaces</c>, …), and filters behind bars (<c>include "type" "IPv4"</c>, <c>sort "address"</c>, <c>limit 1</c>,
/// <c>attr "address"</c>, <c>join "address" " "</c>).
/// </summary>
internal static class Interfaces
{
    private sealed record Address(string Name, IPAddress Ip, int Prefix, bool IsLoopback, bool IsUp, bool IsMulticast);

    public static object Evaluate(string expression)
    {
        object value = "";
        var isFirst = true;
        foreach (var stage in expression.Split('|', StringSplitOptions.TrimEntries))
        {
            var words = Words(stage);
            value = isFirst
                ? Source(words)
                : Filter(words, value as List<Address> ?? throw new FunctionException("nothing can follow a text"));
            isFirst = false;
        }

        return value is List<Address> addresses
            ? string.Join(' ', addresses.Select(address => address.Ip.ToString()))
            : value;
    }

    private static List<string> Words(string stage)
    {
        var words = new List<string>();
        foreach (var (part, index) in stage.Split('"').Select((part, index) => (part, index)))
        {
            if (index % 2 == 1)
            {
                words.Add(part);
            }
            else
            {
                words.AddRange(part.Split(' ', StringSplitOptions.RemoveEmptyEntries));
            }
        }

        return words.Count > 0 ? words : throw new FunctionException("a stage is empty");
    }

    private static object Source(List<string> words) =>
        words[0] switch
        {
            "GetAllInterfaces" => All(),
            "GetPrivateInterfaces" => All().FindAll(IsPrivate),
            "GetPublicInterfaces" => All().FindAll(IsPublic),
            "GetPrivateIP" => First(IsPrivate),
            "GetPrivateIPs" => string.Join(' ', All().FindAll(IsPrivate).Select(address => address.Ip)),
            "GetPublicIP" => First(IsPublic),
            "GetPublicIPs" => string.Join(' ', All().FindAll(IsPublic).Select(address => address.Ip)),
            "GetInterfaceIP" when words.Count == 2 => First(address => address.Name == words[1]),
            _ => throw new FunctionException("there is no such source of addresses"),
        };

    private static string First(Predicate<Address> isWanted) =>
        All()
            .Find(address => isWanted(address) && address.Ip.AddressFamily == AddressFamily.InterNetwork)
            ?.Ip.ToString()
        ?? "";

    private static object Filter(List<string> words, List<Address> addresses)
    {
        switch (words)
        {
            case ["include", var by, var what]:
                return addresses.FindAll(address => Is(address, by, what));
            case ["exclude", var by, var what]:
                return addresses.FindAll(address => !Is(address, by, what));
            case ["sort", var by]:
                return by.Split(',').Reverse().Aggregate(addresses, Sorted);
            case ["limit", var count] when int.TryParse(count, out var number) && number >= 0:
                return addresses.Take(number).ToList();
            case ["offset", var count] when int.TryParse(count, out var number) && number >= 0:
                return addresses.Skip(number).ToList();
            case ["attr", var name]:
                return addresses.Count > 0 ? Attribute(addresses[0], name) : "";
            case ["join", var name, var separator]:
                return string.Join(separator, addresses.Select(address => Attribute(address, name)));
            default:
                throw new FunctionException("there is no such filter of addresses");
        }
    }

    private static List<Address> Sorted(List<Address> addresses, string by) =>
        by.TrimStart('+', '-') switch
        {
            "name" => Ordered(addresses, by, address => address.Name),
            "address" => Ordered(addresses, by, address => Convert.ToHexString(address.Ip.GetAddressBytes())),
            "type" => Ordered(addresses, by, address => Attribute(address, "type")),
            _ => throw new FunctionException("addresses are sorted by name, address or type"),
        };

    private static List<Address> Ordered(List<Address> addresses, string by, Func<Address, string> key) =>
        by.StartsWith('-')
            ? [.. addresses.OrderByDescending(key, StringComparer.Ordinal)]
            : [.. addresses.OrderBy(key, StringComparer.Ordinal)];

    private static bool Is(Address address, string by, string what) =>
        by switch
        {
            "flag" or "flags" => what.Split('|').All(flag => HasFlag(address, flag)),
            "type" => Attribute(address, "type").Equals(what, StringComparison.OrdinalIgnoreCase)
                || what.Equals("IP", StringComparison.OrdinalIgnoreCase),
            "name" => address.Name == what,
            "address" => address.Ip.ToString() == what,
            "network" => IPNetwork.TryParse(what, out var network) && network.Contains(address.Ip),
            "rfc" => what == "1918" && IsPrivate(address),
            _ => throw new FunctionException("addresses are chosen by flag, type, name, address, network or rfc"),
        };

    private static bool HasFlag(Address address, string flag) =>
        flag switch
        {
            "loopback" => address.IsLoopback,
            "up" => address.IsUp,
            "multicast" => address.IsMulticast,
            "forwardable" => !address.IsLoopback && !address.Ip.IsIPv6LinkLocal && !IsLinkLocal(address.Ip),
            "link-local unicast" => address.Ip.IsIPv6LinkLocal || IsLinkLocal(address.Ip),
            _ => throw new FunctionException("there is no such flag of addresses"),
        };

    private static string Attribute(Address address, string name) =>
        name switch
        {
            "address" or "string" => address.Ip.ToString(),
            "name" => address.Name,
            "type" => address.Ip.AddressFamily == AddressFamily.InterNetwork ? "IPv4" : "IPv6",
            "mask_bits" => address.Prefix.ToString(System.Globalization.CultureInfo.InvariantCulture),
            _ => throw new FunctionException("addresses have no such attribute"),
        };

    private static bool IsPrivate(Address address) =>
        !address.IsLoopback
        && address.Ip.GetAddressBytes() is [10, ..] or [172, >= 16 and < 32, ..] or [192, 168, ..] and { Length: 4 };

    private static bool IsPublic(Address address) =>
        HasFlag(address, "forwardable") && !IsPrivate(address) && !address.Ip.IsIPv6UniqueLocal;

    private static bool IsLinkLocal(IPAddress address) => address.GetAddressBytes() is [169, 254, _, _];

    private static List<Address> All()
    {
        try
        {
            return
            [
                .. NetworkInterface
                    .GetAllNetworkInterfaces()
                    .SelectMany(card =>
                        card.GetIPProperties()
                            .UnicastAddresses.Select(address => new Address(
                                card.Name,
                                address.Address,
                                address.PrefixLength,
                                card.NetworkInterfaceType == NetworkInterfaceType.Loopback,
                                card.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown,
                                card.SupportsMulticast
                            ))
                    ),
            ];
        }
        catch (NetworkInformationException failure)
        {
            throw new FunctionException($"the addresses of this machine cannot be read: {failure.Message}");
        }
    }
}
