using Mayfly.TestChild;

// COMMAND ARGUMENT...: each command tells what it does on standard output, one line per fact.
return args switch
{
    ["open-store", var folder] => await StoreCommands.OpenAsync(folder),
    ["write-store", var folder] => await StoreCommands.WriteAsync(folder),
    ["write-store-in-turn", var folder, var count, .. var rest] => await StoreCommands.WriteInTurnAsync(
        folder,
        int.Parse(count, System.Globalization.CultureInfo.InvariantCulture),
        stay: rest is ["stay"]
    ),
    ["prepare-leases", var folder] => await LeaseCommands.PrepareAsync(folder),
    ["issue-and-die", var folder, var key, var token, var step] => await LeaseCommands.IssueAsync(
        folder,
        key,
        token,
        step
    ),
    ["recover-leases", var folder, var key, var token] => await LeaseCommands.RecoverAsync(folder, key, token),
    ["keep-secret", var folder, var key, var name] => await SecretCommands.KeepAsync(folder, key, name),
    ["follow-secret", var address, var token, var name] => await SecretCommands.FollowAsync(address, token, name),
    _ => 2,
};
