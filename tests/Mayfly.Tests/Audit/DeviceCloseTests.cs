using Mayfly.Core.Audit;
using Mayfly.Crypto;

namespace Mayfly.Tests.Audit;

public sealed class DeviceCloseTests
{
    [Fact]
    public async Task A_device_has_let_go_of_its_file_when_it_is_closed()
    {
        await using var audit = await AuditHarness.StartAsync();
        var sink = new SlowToClose();
        var record = new AuditDeviceRecord
        {
            Uuid = Guid.NewGuid().ToString(),
            Path = "slow/",
            Type = "file",
            Options = new Dictionary<string, string>(StringComparer.Ordinal),
        };
        var context = new AuditContext(
            audit.Time,
            audit.Log,
            new AuditHeaders(),
            audit.Broker.SigningKey,
            static _ => SecretBytes.CopyOf(new byte[32])
        );
        var device = new AuditDevice(record, new AuditSettings(), sink, context, known: null);
        await device.DisposeAsync();
        Assert.True(sink.IsClosed);
    }

    private sealed class SlowToClose : AuditSink
    {
        private readonly ManualResetEventSlim _never = new();
        private volatile bool _isClosed;

        public bool IsClosed => _isClosed;

        public override bool Blocks => false;

        public override Preparation Prepare(bool look) => Preparation.Ready;

        public override string? Write(SealedLines lines)
        {
            lines.Done = lines.Bytes.Length;
            return null;
        }

        public override void Dispose()
        {
            _never.Wait(TimeSpan.FromMilliseconds(100));
            _isClosed = true;
        }
    }
}
