using System.Text;
using Mayfly.Client;

namespace Mayfly.Tests.Agent;

/// <summary>A development server with roles that agents log in to. Each test makes names of its own.</summary>
public sealed class AgentServer : IAsyncLifetime
{
    private int _names;

    internal ServerProcess Process { get; private set; } = null!;

    internal MayflyClient Root { get; private set; } = null!;

    internal string Address => Process.Address;

    public async ValueTask InitializeAsync()
    {
        Process = await ServerProcess.StartDevAsync();
        Root = RootOf(Process.Address);
        await PrepareAsync(Root);
    }

    public async ValueTask DisposeAsync()
    {
        Root.Dispose();
        await Process.DisposeAsync();
    }

    internal string Name(string stem) => $"{stem}{Interlocked.Increment(ref _names)}";

    internal static MayflyClient RootOf(string address) =>
        new(new MayflyClientOptions { Address = address, Token = ServerProcess.DevToken });

    /// <summary>A policy for everything an agent does here, and AppRole and userpass.</summary>
    internal static async Task PrepareAsync(MayflyClient root)
    {
        await WriteAsync(
            root,
            "sys/policies/acl/agent",
            """{"policy":"path \"secret/*\" { capabilities = [\"create\",\"read\",\"update\",\"delete\",\"list\"] }\npath \"database/*\" { capabilities = [\"read\"] }\npath \"sys/events/subscribe/*\" { capabilities = [\"read\"] }\npath \"auth/token/create*\" { capabilities = [\"create\",\"update\",\"sudo\"] }\npath \"sys/leases/*\" { capabilities = [\"create\",\"update\",\"sudo\"] }\npath \"auth/token/revoke*\" { capabilities = [\"create\",\"update\",\"sudo\"] }"}"""
        );
        await WriteAsync(root, "sys/auth/approle", """{"type":"approle"}""");
        await WriteAsync(root, "sys/auth/userpass", """{"type":"userpass"}""");
        await WriteAsync(root, "auth/userpass/users/ann", """{"password":"s3cret-word","token_policies":"agent"}""");
    }

    internal static async Task<MayflyResponse> WriteAsync(MayflyClient client, string path, string json) =>
        (
            await client.WriteAsync(path, Encoding.UTF8.GetBytes(json), TestContext.Current.CancellationToken)
        ).EnsureSuccess();

    /// <summary>A role of its own with tokens that live so long; the files with its credentials are in <paramref name="folder"/>.</summary>
    internal Task AppRoleAsync(AgentFolder folder, string ttl = "1h", string more = "") =>
        AppRoleAsync(Root, folder, Name("role"), ttl, more);

    internal static async Task AppRoleAsync(
        MayflyClient root,
        AgentFolder folder,
        string role,
        string ttl,
        string more = ""
    )
    {
        await WriteAsync(
            root,
            $"auth/approle/role/{role}",
            "{\"token_policies\":\"agent\",\"token_ttl\":\"" + ttl + "\",\"secret_id_num_uses\":0" + more + "}"
        );
        var id = (
            await root.ReadAsync($"auth/approle/role/{role}/role-id", TestContext.Current.CancellationToken)
        ).Data;
        folder.Write("roleid", id.GetProperty("role_id").GetString()!);
        var secret = (await WriteAsync(root, $"auth/approle/role/{role}/secret-id", "{}")).Data;
        folder.Write("secretid", secret.GetProperty("secret_id").GetString()! + "\n");
    }
}

[CollectionDefinition(Name)]
public sealed class AgentServerTests : ICollectionFixture<AgentServer>
{
    public const string Name = "agent server";
}
