using Mayfly.Scanner.Scanning;

namespace Mayfly.Scanner.Sources;

/// <summary>Where text comes from: a folder, a stream, a history.</summary>
public interface IScanSource
{
    /// <summary>Holds the rules against everything. What cannot be read is listed, and never ends the scan.</summary>
    ScanResult Scan(SecretScanner scanner, CancellationToken cancellation);
}
