using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Mayfly.Benchmarks.Http;

/// <summary>The peer of the ratios: Kestrel with one endpoint that answers given bytes. Runs in a process of its own.</summary>
internal static class BareServer
{
    public const string Verb = "bare-server";

    /// <param name="arguments">Port, file with the bytes, and optionally a certificate and key in PEM.</param>
    public static async Task RunAsync(IReadOnlyList<string> arguments)
    {
        var body = await File.ReadAllBytesAsync(arguments[1]);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(
                IPAddress.Loopback,
                int.Parse(arguments[0]),
                listen =>
                {
                    if (arguments.Count > 2)
                    {
                        using var pem = X509Certificate2.CreateFromPemFile(arguments[2], arguments[3]);
                        listen.UseHttps(X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null));
                    }
                }
            )
        );
        if (arguments.Count > 2)
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        var app = builder.Build();
        app.Run(async context =>
        {
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = body.Length;
            await context.Response.BodyWriter.WriteAsync(body, context.RequestAborted);
        });
        await app.RunAsync();
    }
}
