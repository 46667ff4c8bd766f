using Microsoft.AspNetCore.Connections;

namespace Mayfly.Hosting.Listeners;

/// <summary>An address, and what each connection that comes in there meets before it is read as HTTP (behind TLS).</summary>
internal sealed record Endpoint(ListenAddress Address, Func<ConnectionDelegate, ConnectionDelegate> Meet);
