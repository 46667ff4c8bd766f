namespace Mayfly.Client.Secrets.Sources;

/// <summary>
/// Secrets from one <c>.env</c> file: lines of <c>NAME=value</c>, spelled as <see cref="EnvironmentSecretSource"/> spells
/// variables. Values are bare, in single quotes (as they are) or in double quotes (with <c>\n</c>, <c>\t</c>, <c>\"</c>,
/// <c>\\</c>, <c>\$</c>), which may go over several lines; <c>#</c> begins a comment. Nothing is substituted. A file that is
/// replaced is noticed within a second. Safe for concurrent use.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="prefix">What the names of the variables begin with.</param>
/// <param name="time">The clock for looking at the file; a test hands in its own.</param>
public sealed class DotEnvSecretSource(string path, string prefix = "", TimeProvider? time = null)
    : IWatchableSecretSource
{
    private readonly string _path = Path.GetFullPath(path);
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <inheritdoc/>
    public string Id => "file " + _path;

    /// <inheritdoc/>
    public async Task<FetchedSecret> FetchAsync(string name, CancellationToken cancellationToken)
    {
        var text = await FileStamp.ReadTextAsync(name, _path, cancellationToken);
        if (!DotEnv.TryParse(text, out var variables, out var line))
        {
            throw new SecretSourceException(
                SecretFailure.Invalid,
                $"{name}: line {line} of {_path} is not NAME=value, or its quotes do not end."
            );
        }

        var variable = prefix + VariableNames.Of(name);
        return VariableNames.Find(variable, variables)
            ?? throw new SecretSourceException(SecretFailure.NotFound, $"{name}: {_path} has no {variable}.");
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<SecretChange> WatchAsync(CancellationToken cancellationToken) =>
        FileStamp.WatchAsync(_path, _time, cancellationToken);
}
