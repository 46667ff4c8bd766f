using Mayfly.Agent;
using Mayfly.Agent.Kubernetes;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Injector;

/// <summary>Runs the webhook that puts the agent into pods.</summary>
internal sealed class InjectorCommand() : Command("injector", "Put the agent into Kubernetes pods")
{
    private readonly InjectorFlags _flags = new();

    private readonly TextFlag _pod = new(
        "pod",
        "Do not listen: print what becomes of the pod in this JSON file (- for standard input)."
    );

    public override string Usage => "[options]";

    public override string Details =>
        """
            Answers the admission reviews of Kubernetes' API servers: pods whose annotations ask for the agent
            (mayfly.dev/agent-inject, or Vault's vault.hashicorp.com/agent-inject) get it as init container and sidecar.
            The manifests are in deploy/kubernetes. Every option can be given as Vault's injector has it, too, by a
            variable: AGENT_INJECT_LISTEN, AGENT_INJECT_VAULT_ADDR, AGENT_INJECT_TLS_AUTO and so on.
            $ mayfly injector -tls-cert-file=tls.crt -tls-key-file=tls.key -mayfly-addr=https://mayfly:8200
            $ kubectl run web --image=web --dry-run=client -o json | mayfly injector -mayfly-addr=… -pod=-
            """;

    public override IReadOnlyList<Flag> Flags => [.. _flags.All, _pod];

    public override bool UsesServer => false;

    public override async Task<int> RunAsync(Invocation call)
    {
        var (options, wrong) = _flags.Read(call.Session.Environment);
        if (wrong is not null)
        {
            return call.Wrong(wrong);
        }

        try
        {
            if (_pod.Value is { } path)
            {
                return Preview(call, options, path);
            }

            await InjectorProgram.RunAsync(options, call.Session.Environment, call.Cancellation);
            return Exit.Ok;
        }
        catch (AgentException failure)
        {
            return call.Wrong($"Error: {failure.Message}");
        }
    }

    private static int Preview(Invocation call, InjectorOptions options, string path)
    {
        using var source = path == "-" ? call.Session.Input() : File.OpenRead(path);
        using var read = new MemoryStream();
        source.CopyTo(read);
        var preview = InjectionPreview.Of(read.ToArray(), options.Defaults);
        foreach (var warning in preview.Warnings)
        {
            call.Print.Warn(warning);
        }

        if (preview.Pod is null)
        {
            return call.Wrong(preview.Problem ?? "The pod cannot be injected.");
        }

        call.Print.Raw(preview.Pod);
        return Exit.Ok;
    }
}
