using Mayfly.Core.Engines;
using Mayfly.Core.Policy.Passwords;
using Mayfly.Core.Storage;

namespace Mayfly.Tests.Engines;

/// <summary>Password policies for an engine without a vault around it.</summary>
public static class Passwords
{
    /// <summary>Stores its policies in <paramref name="barrier"/>, where <see cref="PutAsync"/> writes them.</summary>
    public static PasswordSource Source(Mayfly.Core.Storage.Barrier barrier) => Store(barrier).GenerateAsync;

    public static async Task PutAsync(Mayfly.Core.Storage.Barrier barrier, string name, string policy) =>
        Assert.Null(await Store(barrier).PutAsync(name, policy, TestContext.Current.CancellationToken));

    private static PasswordPolicyStore Store(Mayfly.Core.Storage.Barrier barrier) =>
        new(new View(barrier, StoreKey.Root.Append("password-policy")));
}
