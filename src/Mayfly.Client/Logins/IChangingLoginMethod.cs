namespace Mayfly.Client.Logins;

/// <summary>A method whose login can be replaced from outside while its token still works.</summary>
internal interface IChangingLoginMethod : ILoginMethod
{
    /// <summary>What <see cref="ILoginMethod.LoginAsync"/> would use is not what it used last. False when that cannot be told.</summary>
    ValueTask<bool> HasChangedAsync(CancellationToken cancellationToken);
}
