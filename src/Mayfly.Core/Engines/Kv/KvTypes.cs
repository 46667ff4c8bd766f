using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Kv;

/// <summary>The names under which key-value engines are mounted. The option <c>version</c> chooses between the two.</summary>
internal static class KvTypes
{
    public const string VersionOption = "version";

    public static EngineType Kv { get; } =
        new("kv", EngineKind.Secrets, "Key-value store; option version=2 keeps versions.", Create)
        {
            CheckOptions = CheckOptions,
        };

    public static EngineType KvV1 { get; } =
        new("kv-v1", EngineKind.Secrets, "Key-value store without versions: kv with version=1.", Create)
        {
            CheckOptions = CheckOptions,
            StandsFor = new("kv", VersionOption, "1"),
        };

    public static EngineType KvV2 { get; } =
        new("kv-v2", EngineKind.Secrets, "Key-value store with versions: kv with version=2.", Create)
        {
            CheckOptions = CheckOptions,
            StandsFor = new("kv", VersionOption, "2"),
        };

    public static EngineType Generic { get; } =
        new("generic", EngineKind.Secrets, "The old name of the key-value store without versions.", Create)
        {
            CheckOptions = CheckOptions,
        };

    private static Engine Create(MountContext context) =>
        IsVersioned(context) ? new VersionedKv(context) : new PlainKv(context);

    private static bool IsVersioned(MountContext context) =>
        context.Mount.Options.TryGetValue(VersionOption, out var version)
            ? version == "2"
            : context.Mount.Type == KvV2.Name;

    private static Fault? CheckOptions(
        IReadOnlyDictionary<string, string>? old,
        IReadOnlyDictionary<string, string> options
    )
    {
        var version = options.GetValueOrDefault(VersionOption, "");
        return version is not ("1" or "2" or "") ? Fault.Invalid("the option version must be 1 or 2")
            : old?.GetValueOrDefault(VersionOption) == "2" && version != "2"
                ? Fault.Invalid("cannot downgrade mount from version 2")
            : null;
    }
}
