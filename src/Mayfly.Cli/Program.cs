using Mayfly.Cli;
using Mayfly.Cli.Dispatch;

var session = Session.OfProcess();
try
{
    var code = Dispatcher.RunAsync(args, session).GetAwaiter().GetResult();
    session.Out.Flush();
    return code;
}
catch (IOException)
{
    // Whoever read our output has stopped: mayfly kv list ... | head -1
    return Exit.Local;
}
catch (Exception bug)
{
    // Without its message, which may quote what was being handled.
    session.Error.Write($"mayfly: this is a bug: {bug.GetType()}\n{bug.StackTrace}\n");
    return Exit.Local;
}
