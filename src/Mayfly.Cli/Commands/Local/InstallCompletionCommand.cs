using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Local;

/// <summary><c>mayfly -autocomplete-install</c> and <c>-autocomplete-uninstall</c>, as Vault's command line has them.</summary>
internal sealed class InstallCompletionCommand(bool remove)
    : Command(remove ? "-autocomplete-uninstall" : "-autocomplete-install", "Turn shell completion on or off")
{
    private const string Mark = "# mayfly completion";

    public override string Usage => "";

    public override string Details =>
        "Adds one line to the start-up files of bash and zsh that exist, and a file for fish.";

    public override bool UsesServer => false;

    public override Task<int> RunAsync(Invocation call)
    {
        if (call.Session.HomeFolder is not { Length: > 0 } home)
        {
            return Task.FromResult(call.Wrong("HOME is not set"));
        }

        var changed = false;
        changed |= Line(Path.Combine(home, ".bashrc"), $"source <(mayfly completion bash) {Mark}");
        changed |= Line(Path.Combine(home, ".zshrc"), $"source <(mayfly completion zsh) {Mark}");
        var fish = Path.Combine(home, ".config", "fish");
        if (Directory.Exists(fish))
        {
            changed |= Script(Path.Combine(fish, "completions", "mayfly.fish"));
        }

        call.Print.Line(
            changed ? "Done. It counts from the next shell on."
            : remove ? "There was nothing to remove."
            : "Nothing changed: it is installed already, or no start-up file of a shell was found."
        );
        return Task.FromResult(Exit.Ok);
    }

    private bool Line(string file, string line)
    {
        if (!File.Exists(file))
        {
            return false;
        }

        var lines = new List<string>(File.ReadAllLines(file));
        var installed = lines.RemoveAll(static each => each.EndsWith(Mark, StringComparison.Ordinal)) > 0;
        if (installed != remove)
        {
            return false;
        }

        if (!remove)
        {
            lines.Add(line);
        }

        File.WriteAllLines(file, lines);
        return true;
    }

    private bool Script(string file)
    {
        if (remove)
        {
            var existed = File.Exists(file);
            File.Delete(file);
            return existed;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, CompletionScript.For("fish"));
        return true;
    }
}
