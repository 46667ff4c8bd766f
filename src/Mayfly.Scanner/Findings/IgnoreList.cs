namespace Mayfly.Scanner.Findings;

/// <summary>
/// Findings that somebody has looked at and accepted, by fingerprint: a <c>.gitleaksignore</c> or <c>.mayflyignore</c>. A
/// line is <c>commit:file:rule:line</c>, or <c>file:rule:line</c> for the file in any commit; <c>#</c> begins a comment.
/// Immutable.
/// </summary>
public sealed class IgnoreList
{
    private readonly HashSet<string> _fingerprints = new(StringComparer.Ordinal);

    /// <param name="files">What the files say.</param>
    public IgnoreList(IEnumerable<string> files)
    {
        foreach (var line in files.SelectMany(file => file.Split('\n')))
        {
            var fingerprint = line.Trim();
            if (fingerprint.Length > 0 && fingerprint[0] != '#')
            {
                _fingerprints.Add(fingerprint.Replace('\\', '/'));
            }
        }
    }

    /// <summary>Whether the finding is in the list, with its commit or without.</summary>
    public bool Has(Finding finding) =>
        _fingerprints.Contains(finding.Fingerprint)
        || (finding.Commit is not null && _fingerprints.Contains((finding with { Commit = null }).Fingerprint));
}
