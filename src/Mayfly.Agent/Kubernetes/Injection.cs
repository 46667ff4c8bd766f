using System.Text.Json.Nodes;

namespace Mayfly.Agent.Kubernetes;

/// <summary>What one pod gets: its annotations and the defaults, read and checked.</summary>
internal sealed class Injection
{
    private static readonly string[] LogLevels = ["trace", "debug", "info", "warn", "error"];
    private static readonly string[] ConnectionUsers = ["auto-auth", "caching", "templating", "proxying"];

    private Injection(PodView pod, PodAnnotations annotations, Dialect dialect, InjectorDefaults defaults)
    {
        Pod = pod;
        Annotations = annotations;
        Dialect = dialect;
        Defaults = defaults;
    }

    public PodView Pod { get; }

    public PodAnnotations Annotations { get; }

    public Dialect Dialect { get; }

    public InjectorDefaults Defaults { get; }

    public string Image { get; private set; } = "";

    /// <summary>The configuration comes from a config map of the author's, not from annotations.</summary>
    public string? ConfigMap { get; private set; }

    public string? ExtraSecret { get; private set; }

    public string? TlsSecret { get; private set; }

    public SecretFiles Secrets { get; private set; } = new([], []);

    /// <summary>Where applications find the token of the agent; null when it is not theirs.</summary>
    public string? SharedToken { get; private set; }

    /// <summary>Who can read the rendered files: the pod's volume group where it has one, else every user of the pod.</summary>
    public string FileMode => Pod.HasVolumeGroup ? "0640" : "0644";

    /// <summary>An init container renders everything once before the application starts.</summary>
    public bool HasInit { get; private set; }

    /// <summary>A sidecar keeps files fresh.</summary>
    public bool HasSidecar { get; private set; }

    /// <summary>The sidecar is an init container that goes on running, so that it does not keep a Job from ending.</summary>
    public bool IsNative { get; private set; }

    public bool IsFirst { get; private set; }

    public string Role { get; private set; } = "";

    public string Address { get; private set; } = "";

    public string AuthType { get; private set; } = "";

    public string AuthPath { get; private set; } = "";

    public string? ServerNamespace { get; private set; }

    public IReadOnlyList<KeyValuePair<string, string>> AuthSettings { get; private set; } = [];

    /// <summary>The volume with the service account's token: the author's own, or null for the injector's.</summary>
    public string? TokenVolume { get; private set; }

    /// <summary>Where that volume is mounted in the agent's containers; null when the agent logs in without it.</summary>
    public string? TokenFolder { get; private set; }

    public string TokenAudience { get; private set; } = "";

    public long User { get; private set; }

    public long Group { get; private set; }

    public bool SetSecurityContext { get; private set; }

    public JsonObject Resources { get; private set; } = [];

    public bool ListensForApplications { get; private set; }

    public string ListenerToken { get; private set; } = "true";

    public long ListenerPort { get; private set; } = 8200;

    public bool AllowsQuit { get; private set; }

    public bool RevokesOnShutdown { get; private set; }

    public long RevokeGrace { get; private set; }

    public string LogLevel { get; private set; } = "";

    public string LogFormat { get; private set; } = "";

    /// <summary>Mounts of another container that the agent's containers get, too.</summary>
    public IReadOnlyList<JsonObject> CopiedMounts { get; private set; } = [];

    /// <summary>The containers that see the files; null for all.</summary>
    public IReadOnlyList<string>? ChosenContainers { get; private set; }

    /// <summary>Reads everything. What is wrong is in <see cref="PodAnnotations.Problems"/> afterwards.</summary>
    public static Injection Read(PodView pod, PodAnnotations annotations, Dialect dialect, InjectorDefaults defaults)
    {
        var injection = new Injection(pod, annotations, dialect, defaults);
        injection.ReadPod();
        injection.ReadLogin();
        injection.ReadContainers();
        injection.ReadListener();
        injection.ReadShutdown();
        injection.ReadSecrets();
        return injection;
    }

    private void ReadPod()
    {
        if (Pod.IsWindows)
        {
            Annotations.Problem("the agent runs on Linux alone, and this pod is for Windows nodes");
        }

        if (Pod.Containers.Count == 0)
        {
            Annotations.Problem("the pod has no containers");
        }

        Image = Annotations.Word(Endings.Image) is { } image ? CheckImage(image) : Defaults.Image;
        ConfigMap = Name(Endings.ConfigMap);
        ExtraSecret = Name(Endings.ExtraSecret);
        TlsSecret = Name(Endings.TlsSecret);
        LogLevel = Annotations.Choice(Endings.LogLevel, LogLevels) ?? Defaults.LogLevel;
        LogFormat = Annotations.Choice(Endings.LogFormat, "standard", "json") ?? Defaults.LogFormat;
        Resources = Kubernetes.Resources.Read(Annotations, Defaults);
        if (Annotations.Word(Endings.Containers) is { } chosen)
        {
            ChosenContainers = chosen.Split(
                ',',
                StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries
            );
            foreach (var name in ChosenContainers)
            {
                if (Find(name) is null)
                {
                    Annotations.Problem(
                        Endings.Containers,
                        $"names {PodAnnotations.Quote(name)}, which is no container of the pod"
                    );
                }
            }
        }

        if (Annotations.Word(Endings.CopyMounts) is { } source)
        {
            if (Find(source) is { } container)
            {
                CopiedMounts =
                [
                    .. PodView
                        .List(container, "volumeMounts")
                        .Where(mount =>
                            PodView.Text(mount, "mountPath") is { } path
                            && !path.Contains("/serviceaccount", StringComparison.Ordinal)
                        ),
                ];
            }
            else
            {
                Annotations.Problem(
                    Endings.CopyMounts,
                    $"names {PodAnnotations.Quote(source)}, which is no container of the pod"
                );
            }
        }
    }

    private void ReadLogin()
    {
        Address = Annotations.Word(Endings.Address) ?? Defaults.Address;
        if (Address.Length > 0 && !IsAddress(Address))
        {
            // Not repeated: it may have a password in it.
            Annotations.Problem(Endings.Address, "must be an address such as https://mayfly:8200, without a user");
        }
        else if (Address.Length == 0 && ConfigMap is null)
        {
            Annotations.Problem(
                $"no server: set {Annotations.KeyOf(Endings.Address)}, or -mayfly-addr of the injector"
            );
        }

        Role = Annotations.Word(Endings.Role) ?? "";
        AuthType = Annotations.Word(Endings.AuthType) ?? Defaults.AuthType;
        AuthPath = (Annotations.Word(Endings.AuthPath) ?? Defaults.AuthPath).Trim('/');
        ServerNamespace =
            Annotations.Word(Endings.Namespace) ?? (Defaults.Namespace.Length > 0 ? Defaults.Namespace : null);
        AuthSettings =
        [
            .. Annotations
                .Family(Endings.AuthSettings)
                .Select(setting => KeyValuePair.Create(setting.Key.Replace('-', '_'), setting.Value)),
        ];
        _ = Annotations.Duration(Endings.AuthLeastBackoff);
        _ = Annotations.Duration(Endings.AuthMostBackoff);
        _ = Annotations.Duration(Endings.ClientTimeout);
        _ = Annotations.Duration(Endings.RenderInterval);
        var usesServiceAccount = AuthType is "kubernetes" or "jwt";
        if (usesServiceAccount && Role.Length == 0 && ConfigMap is null)
        {
            Annotations.Problem(
                $"no role: {Annotations.KeyOf(Endings.Role)} names the role of {AuthPath} that the pod logs in with"
            );
        }

        TokenVolume = Name(Endings.TokenVolume);
        TokenAudience = Annotations.Word(Endings.TokenAudience) ?? Defaults.TokenAudience;
        if (TokenVolume is not null)
        {
            if (!Pod.Volumes.Any(volume => PodView.Text(volume, "name") == TokenVolume))
            {
                Annotations.Problem(
                    Endings.TokenVolume,
                    $"names {PodAnnotations.Quote(TokenVolume)}, which is no volume of the pod"
                );
            }

            TokenFolder = MountedAt(TokenVolume) ?? Dialect.TokenFolder;
        }
        else if (usesServiceAccount)
        {
            TokenFolder = Dialect.TokenFolder;
        }
    }

    private void ReadContainers()
    {
        var only = Annotations.Flag(Endings.PrePopulateOnly, fallback: false);
        var prePopulate = Annotations.Flag(Endings.PrePopulate, fallback: true);
        HasSidecar = !only;
        IsNative =
            HasSidecar
            && Annotations.Flag(
                Endings.NativeSidecar,
                Defaults.NativeSidecars switch
                {
                    NativeSidecars.All => true,
                    NativeSidecars.None => false,
                    _ => Dialect == Dialect.Mayfly,
                }
            );
        // A native sidecar renders before the application starts by itself: its start-up probe waits for the files. What a
        // config map renders, the injector cannot know.
        HasInit = only || (prePopulate && !(IsNative && ConfigMap is null));
        IsFirst = Annotations.Flag(Endings.InitFirst, fallback: false);
        SetSecurityContext = Annotations.Flag(Endings.SecurityContext, Defaults.SetSecurityContext);
        User = Annotations.Whole(Endings.User, 0, uint.MaxValue - 1) ?? Defaults.RunAsUser;
        Group = Annotations.Whole(Endings.Group, 0, uint.MaxValue - 1) ?? Defaults.RunAsGroup;
        if (Annotations.Flag(Endings.SameUser, Defaults.RunAsSameUser))
        {
            if (Pod.FirstUser is not { } user)
            {
                Annotations.Problem(Endings.SameUser, "needs securityContext.runAsUser of the pod's first container");
            }
            else if (user == 0)
            {
                Annotations.Problem(Endings.SameUser, "would run the agent as root, as the pod's first container is");
            }
            else
            {
                User = user;
            }
        }

        foreach (var name in new[] { Dialect.Sidecar, Dialect.InitContainer })
        {
            if (Find(name) is not null)
            {
                Annotations.Problem($"the pod already has a container named {name}");
            }
        }
    }

    private void ReadListener()
    {
        ListensForApplications = HasSidecar && Annotations.Flag(Endings.Cache, fallback: false);
        AllowsQuit = HasSidecar && Annotations.Flag(Endings.Quit, fallback: false);
        ListenerToken = Annotations.Choice(Endings.CacheToken, "true", "false", "force") ?? "true";
        ListenerPort = Annotations.Whole(Endings.CachePort, 1, 65_535) ?? 8200;
        if (Pod.UsesHostNetwork && (ListensForApplications || AllowsQuit))
        {
            Annotations.Problem(
                ListensForApplications ? Endings.Cache : Endings.Quit,
                "would open the agent's listener to every process of the node, because the pod has hostNetwork"
            );
        }

        foreach (var ending in new[] { Endings.DisableIdleConnections, Endings.DisableKeepAlives })
        {
            foreach (var use in ListOf(ending))
            {
                if (!ConnectionUsers.Contains(use))
                {
                    Annotations.Problem(
                        ending,
                        $"must name {string.Join(", ", ConnectionUsers)}, not {PodAnnotations.Quote(use)}"
                    );
                }
            }
        }
    }

    private void ReadShutdown()
    {
        RevokesOnShutdown = HasSidecar && Annotations.Flag(Endings.RevokeOnShutdown, Defaults.RevokeOnShutdown);
        RevokeGrace = 5;
        if (Annotations.Word(Endings.RevokeGrace) is { } grace)
        {
            if (Hcl.Durations.TryParse(grace, out var wait) && wait <= TimeSpan.FromHours(1))
            {
                RevokeGrace = (long)Math.Ceiling(wait.TotalSeconds);
            }
            else
            {
                Annotations.Problem(
                    Endings.RevokeGrace,
                    $"must be seconds, at most an hour, not {PodAnnotations.Quote(grace)}"
                );
            }
        }
    }

    private void ReadSecrets()
    {
        var template = Annotations.Choice(Endings.DefaultTemplate, "map", "json") ?? Defaults.DefaultTemplate;
        Secrets = SecretFiles.Read(Annotations, Dialect, template, FileMode);
        if (Annotations.Flag(Endings.ShareToken, fallback: false))
        {
            SharedToken = $"{Secrets.Folders[0]}/token";
            if (Secrets.Files.Any(file => file.Destination == SharedToken))
            {
                Annotations.Problem(Endings.ShareToken, $"would write {SharedToken}, which a secret is written to");
            }
        }

        if (ConfigMap is not null && Secrets.Files.Count > 0)
        {
            Annotations.Warn(
                $"{Annotations.KeyOf(Endings.ConfigMap)} brings the whole configuration; the secrets of annotations are not rendered"
            );
        }
        else if (ConfigMap is null && Secrets.Files.Count == 0 && SharedToken is null && !ListensForApplications)
        {
            Annotations.Warn($"nothing to deliver: {Dialect.Prefix}{Endings.Secrets}NAME names the path of a secret");
        }
    }

    /// <summary>A list between commas.</summary>
    public IReadOnlyList<string> ListOf(string ending) =>
        Annotations.Word(ending)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        ?? [];

    private string CheckImage(string image)
    {
        if (image.Any(char.IsWhiteSpace))
        {
            Annotations.Problem(Endings.Image, "must be the name of an image");
        }

        // hashicorp/vault:1.21, docker.io/library/vault: pods that come from Vault's injector name them.
        var repository = image.Split('@')[0];
        repository = repository[(repository.LastIndexOf('/') + 1)..].Split(':')[0];
        if (repository is "vault" or "vault-enterprise" or "openbao")
        {
            Annotations.Warn(
                $"{Annotations.KeyOf(Endings.Image)} is passed over: the image {PodAnnotations.Quote(image)} has no mayfly"
            );
            return Defaults.Image;
        }

        return image;
    }

    // The name of a config map, a secret or a volume.
    private string? Name(string ending)
    {
        if (Annotations.Word(ending) is not { } name)
        {
            return null;
        }

        if (
            name.Length <= 253
            && name.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '-' or '.')
        )
        {
            return name;
        }

        Annotations.Problem(ending, $"must be the name of a Kubernetes object, not {PodAnnotations.Quote(name)}");
        return null;
    }

    private static bool IsAddress(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address)
        && address.Scheme is "http" or "https" or "unix"
        && (address.IsDefaultPort || address.Port > 0)
        && address.UserInfo.Length == 0;

    private JsonObject? Find(string name) =>
        Pod.Containers.Concat(Pod.InitContainers).FirstOrDefault(container => PodView.Text(container, "name") == name);

    // Where another container has the volume, so that a token_path of the author's means the same file.
    private string? MountedAt(string volume) =>
        Pod
            .Containers.SelectMany(container => PodView.List(container, "volumeMounts"))
            .Where(mount => PodView.Text(mount, "name") == volume)
            .Select(mount => PodView.Text(mount, "mountPath"))
            .FirstOrDefault();
}
