namespace Mayfly.Core.Engines.RabbitMq;

/// <summary>Where RabbitMQ's management API is, and who manages users there. Stored encrypted; immutable.</summary>
internal sealed record ConnectionConfig
{
    /// <summary>The base address of the management API: <c>http://rabbit:15672</c>.</summary>
    public required string Uri { get; init; }

    public required string Username { get; init; }

    public required string Password { get; init; }

    /// <summary>Name of the password policy for new users; "" for the server's default.</summary>
    public string PasswordPolicy { get; init; } = "";

    /// <summary>How users are named; "" for the default.</summary>
    public string UsernameTemplate { get; init; } = "";

    /// <summary>Certificates of the authorities to trust instead of the machine's, in PEM; "" for the machine's.</summary>
    public string CaCert { get; init; } = "";

    /// <summary>Without the password, which a record's text would otherwise show.</summary>
    public override string ToString() => $"RabbitMQ's management API at {Uri}";
}

/// <summary>How long credentials live. Immutable.</summary>
/// <param name="Ttl">Zero for the mount's default.</param>
/// <param name="MaxTtl">Zero for the mount's maximum.</param>
internal sealed record LeaseConfig(TimeSpan Ttl, TimeSpan MaxTtl);
