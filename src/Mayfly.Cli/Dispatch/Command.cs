using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Dispatch;

/// <summary>A verb. One instance serves one invocation: its flags hold what was given.</summary>
internal abstract class Command(string name, string synopsis) : Node(name, synopsis)
{
    /// <summary>What follows the command's name: <c>[options] PATH [K=V...]</c>.</summary>
    public abstract string Usage { get; }

    /// <summary>What it does, and examples. Lines that begin with <c>$</c> are commands.</summary>
    public abstract string Details { get; }

    /// <summary>Flags of its own.</summary>
    public virtual IReadOnlyList<Flag> Flags => [];

    /// <summary>Has <c>-address</c> and its like.</summary>
    public virtual bool UsesServer => true;

    /// <summary>Shows what a server has answered: has <c>-format</c>, and with <see cref="UsesServer"/> <c>-header</c> and <c>-wrap-ttl</c>.</summary>
    public virtual bool ShowsAnswers => true;

    /// <summary>Has <c>-field</c>.</summary>
    public virtual bool HasField => false;

    /// <summary>The fewest positional arguments.</summary>
    public virtual int Fewest => 0;

    /// <summary>The most positional arguments.</summary>
    public virtual int Most => Fewest;

    /// <summary>Whether the first positional argument is a path that completion can ask the server for.</summary>
    public virtual bool TakesPath => false;

    /// <summary>The exit code when flags or arguments are wrong.</summary>
    public virtual int WrongUse => Exit.Local;

    /// <summary>Its own flags, and those that it shares with others.</summary>
    public IReadOnlyList<Flag> AllFlags(ConnectionFlags connection, OutputFlags output) =>
        [
            .. Flags,
            .. !ShowsAnswers ? []
            : HasField ? output.FormatAndField
            : output.FormatOnly,
            .. !UsesServer ? []
            : ShowsAnswers ? connection.All
            : connection.Server,
        ];

    public abstract Task<int> RunAsync(Invocation call);
}
