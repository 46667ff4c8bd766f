using System.Text;
using Mayfly.Hosting.Logging;
using Mayfly.Server.Logging;
using Microsoft.Extensions.Logging;

namespace Mayfly.Tests.Http;

/// <summary>The server's log at its most talkative, in memory.</summary>
internal sealed class CapturedLog : IDisposable
{
    private readonly MemoryStream _stream = new();
    private readonly LineLoggerProvider _provider;

    public CapturedLog(LogFormat format = LogFormat.Standard)
    {
        _provider = new LineLoggerProvider(
            new LogStream(_stream).Write,
            new LogSettings(LogLevel.Trace, format),
            new ManualTime()
        );
        Factory = LoggerFactory.Create(builder => builder.SetMinimumLevel(LogLevel.Trace).AddProvider(_provider));
    }

    public ILoggerFactory Factory { get; }

    public string Text => Encoding.UTF8.GetString(_stream.ToArray());

    public void Dispose()
    {
        Factory.Dispose();
        _provider.Dispose();
    }
}
