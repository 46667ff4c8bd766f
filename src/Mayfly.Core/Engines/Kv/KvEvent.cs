using System.Globalization;
using Mayfly.Core.Events;

namespace Mayfly.Core.Engines.Kv;

/// <summary>What a change of a key is called in events, as in Vault. The default value stands for no event.</summary>
/// <param name="operation">Such as <c>data-write</c>.</param>
/// <param name="versions">The versions that were named, where the operation names some.</param>
internal readonly struct KvEvent(string operation, IReadOnlyList<long>? versions = null)
{
    /// <summary>Tells of the change that made <paramref name="key"/> what it is. Not called unless somebody listens.</summary>
    public void Publish(EventSource events, string path, KeyMetadata key)
    {
        if (operation is null)
        {
            return;
        }

        var metadata = operation.StartsWith("metadata-", StringComparison.Ordinal);
        var family =
            metadata ? "metadata/"
            : operation.StartsWith("data-", StringComparison.Ordinal) ? "data/"
            : $"{operation}/";
        // When all of a secret goes, it goes for those who read its values too.
        var data = metadata && operation != "metadata-delete" ? "metadata/" : "data/";
        var type = $"kv-v2/{operation}";
        var current = ("current_version", key.CurrentVersion.ToString(CultureInfo.InvariantCulture));
        var oldest = ("oldest_version", key.OldestVersion.ToString(CultureInfo.InvariantCulture));
        if (versions is null)
        {
            events.Publish(type, family + path, data + path, current, oldest);
            return;
        }

        var named = operation switch
        {
            "delete" => "deleted_versions",
            "undelete" => "undeleted_versions",
            _ => "destroyed_versions",
        };
        events.Publish(type, family + path, data + path, current, (named, $"[{string.Join(',', versions)}]"), oldest);
    }
}
