using System.Collections;

namespace Mayfly.Client.Secrets.Sources;

/// <summary>
/// Secrets from the environment of the process, for laptops and platforms that deliver them so. The name <c>secret/data/app</c>
/// is the variable <c>SECRET_DATA_APP</c> behind the prefix: in capitals, with <c>_</c> for what is no letter or digit. Its value
/// becomes the field <c>value</c>, or the fields if it is a JSON object; <c>SECRET_DATA_APP__PASSWORD</c> becomes the field
/// <c>password</c>. Nothing tells of changes, since the environment of a process does not change. Safe for concurrent use.
/// </summary>
/// <param name="prefix">What the names of the variables begin with, such as <c>SHOP_</c>.</param>
public sealed class EnvironmentSecretSource(string prefix = "") : ISecretSource
{
    /// <inheritdoc/>
    public string Id => "environment " + prefix;

    /// <inheritdoc/>
    public Task<FetchedSecret> FetchAsync(string name, CancellationToken cancellationToken)
    {
        var variables = Environment
            .GetEnvironmentVariables()
            .Cast<DictionaryEntry>()
            .Select(entry => new KeyValuePair<string, string>((string)entry.Key, (string?)entry.Value ?? ""));
        var variable = prefix + VariableNames.Of(name);
        return VariableNames.Find(variable, variables) is { } found
            ? Task.FromResult(found)
            : Task.FromException<FetchedSecret>(
                new SecretSourceException(SecretFailure.NotFound, $"{name}: there is no variable {variable}.")
            );
    }
}
