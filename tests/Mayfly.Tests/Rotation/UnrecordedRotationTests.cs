using Mayfly.Core.Pipeline;
using Mayfly.Tests.Engines.Database;
using Mayfly.Tests.Storage;

namespace Mayfly.Tests.Rotation;

/// <summary>A real password in PostgreSQL, and an audit whose only device is gone for a while.</summary>
public sealed class UnrecordedRotationTests(DatabaseServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_is_rotated_that_no_audit_can_record_and_it_goes_on_when_one_can()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync("CREATE ROLE unrecorded LOGIN");
        using var folder = new TempFolder();
        var logs = Path.Combine(folder.Path, "logs");
        Directory.CreateDirectory(logs);
        await using var vault = await TestVault.StartAsync();
        await vault.MountDatabaseAsync(server);
        await vault.DataAsync(
            Operation.Update,
            "database/static-roles/app",
            """{"db_name":"db","username":"unrecorded","rotation_period":"1h"}"""
        );
        await vault.DataAsync(
            Operation.Update,
            "sys/audit/file",
            $$$"""{"type":"file","options":{"file_path":"{{{Path.Combine(logs, "audit.log")}}}"}}"""
        );
        var before = await HashAsync();

        Directory.Move(logs, logs + ".gone");
        await vault.Vault.ReopenAuditAsync(Cancellation);
        for (var i = 0; i < 3; i++)
        {
            await vault.AdvanceAsync(TimeSpan.FromHours(1));
            Assert.Equal(before, await HashAsync());
        }

        await vault.FaultAsync(FaultKind.Unavailable, Operation.Read, "database/static-creds/app");
        Directory.Move(logs + ".gone", logs);
        await vault.Vault.ReopenAuditAsync(Cancellation);
        await vault.AdvanceAsync(TimeSpan.FromHours(1));

        Assert.NotEqual(before, await HashAsync());
        var status = await vault.DataAsync(Operation.Read, "sys/rotation/status/database/static-roles/app");
        Assert.Equal("", status.GetProperty("last_error").GetString());
        var recorded = (await File.ReadAllLinesAsync(Path.Combine(logs, "audit.log"), Cancellation)).Where(line =>
            line.Contains("sys/rotation/rotate/database/static-roles/app", StringComparison.Ordinal)
        );
        Assert.Equal(2, recorded.Count());

        Task<string> HashAsync() =>
            server.ValueAsync<string>("SELECT rolpassword FROM pg_authid WHERE rolname = 'unrecorded'");
    }
}
