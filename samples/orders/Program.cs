using System.Data.Common;
using Mayfly.Client.Hosting;
using Mayfly.Client.Npgsql;
using Mayfly.Client.Redaction;
using Mayfly.Client.Secrets;

var builder = WebApplication.CreateBuilder(args);

// Where the server is, and who this program is to it: MAYFLY_ADDR and MAYFLY_TOKEN.
builder.Services.AddMayfly();

// Connections whose user and password come from a secret, and follow its rotation.
builder.Services.AddLiveNpgsql(builder.Configuration.GetConnectionString("Orders")!, "database/static-creds/orders");

// Logs do not tell secrets, and the health check tells how fresh they are.
builder.Logging.AddMayflyRedaction();
builder.Services.AddHealthChecks().AddCheck<MayflyHealthCheck>("mayfly");

var app = builder.Build();

// A live secret: read in the background, always the value of now.
var settings = app.Services.GetRequiredService<LiveSecrets>().Get("secret/data/orders");

app.MapGet(
    "/",
    async (DbDataSource database, CancellationToken stop) =>
    {
        var value = await settings.GetAsync(stop); // waits for the first value alone
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT current_user";
        var user = await command.ExecuteScalarAsync(stop);

        app.Logger.LogInformation("asked with the key {Key}", value["api_key"]);
        return $"{user}, key {value.VersionHash}";
    }
);
app.MapHealthChecks("/health");

await app.RunAsync();
