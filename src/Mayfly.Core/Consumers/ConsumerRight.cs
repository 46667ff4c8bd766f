using System.Text.Json;
using System.Text.Json.Serialization;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;

namespace Mayfly.Core.Consumers;

/// <summary>
/// Who may count as a consumer: whose policies let it write to <c>sys/consumers/ack</c>, with that name and that path as
/// parameters. So one policy says which names a token may use, whether it reads or acknowledges.
/// </summary>
internal static class ConsumerRight
{
    private const string Path = "sys/consumers/ack";

    public static bool Has(Acl acl, string path, string consumer) =>
        acl.IsRoot
        || acl.Decide(
            Operation.Update,
            Path,
            JsonSerializer.SerializeToElement(
                new Dictionary<string, string>(StringComparer.Ordinal) { ["path"] = path, ["consumer"] = consumer },
                ConsumerRightJson.Default.DictionaryStringString
            ),
            wrapTtl: null
        ).Allowed;

    /// <summary>What those are told who read as everybody.</summary>
    public static string Lacking(string consumer) =>
        $"this token may not call itself {consumer} ({Path}): it was not counted as a consumer, and no rotation waits for it";
}

/// <summary>The parameters as an acknowledgement would send them.</summary>
[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class ConsumerRightJson : JsonSerializerContext;
