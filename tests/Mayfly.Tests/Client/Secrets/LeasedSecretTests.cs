using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Tests.Client.Secrets;

/// <summary>Credentials with a lease: renewed, replaced before they end, and revoked when nobody needs them.</summary>
public sealed class LeasedSecretTests : IAsyncDisposable
{
    private const string Creds = "database/creds/app";
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly ManualTime _time = new();
    private readonly MockSecretSource _source;
    private LiveSecrets? _secrets;

    public LeasedSecretTests()
    {
        _source = new MockSecretSource(_time);
        _source.SetDynamic(Creds, Hour);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_secrets is not null)
        {
            await _secrets.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_lease_is_renewed_at_two_thirds_and_the_credential_stays()
    {
        var secret = Start().Get(Creds);
        var first = await secret.GetAsync(Cancellation);
        await PassAsync(TimeSpan.FromHours(10), secret);
        Assert.Same(first, secret.Current);
        Assert.Single(_source.Fetches);
        Assert.Equal(SecretState.Fresh, secret.State);
        Assert.Single(_source.Leases);
    }

    [Fact]
    public async Task A_credential_is_replaced_before_a_lease_that_is_cut_short_ends()
    {
        var secret = Start().Get(Creds);
        var first = await secret.GetAsync(Cancellation);
        // Its greatest age is near: the next renewal gives twelve minutes instead of an hour.
        _source.SetLease(first.Lease!, TimeSpan.FromMinutes(12));
        await PassAsync(TimeSpan.FromMinutes(41), secret);
        Assert.Same(first, secret.Current);
        await PassAsync(TimeSpan.FromMinutes(8), secret);
        Assert.NotEqual(first["username"], secret.Current["username"]);
        // The old one lives on, for the connections that were made with it.
        Assert.Equal(2, _source.Leases.Count);
    }

    [Fact]
    public async Task A_lease_of_seconds_that_is_cut_short_by_one_is_replaced_with_a_third_of_it_left()
    {
        _source.SetDynamic(Creds, TimeSpan.FromSeconds(3));
        var secret = Start(new() { LeastInterval = TimeSpan.Zero, Watch = false }).Get(Creds);
        var first = await secret.GetAsync(Cancellation);
        _source.SetLease(first.Lease!, TimeSpan.FromSeconds(2));

        // Renewed after 1.7 to 2 s, and replaced after another 1.1 to 1.4 s, when 0.6 s are left at least.
        await _time.PassAsync(TimeSpan.FromSeconds(3.4), secret);

        Assert.NotEqual(first["username"], secret.Current["username"]);
    }

    [Fact]
    public async Task A_renewal_that_gives_no_whole_second_leaves_the_credential_until_there_is_another()
    {
        _source.SetDynamic(Creds, TimeSpan.FromSeconds(6));
        var secret = Start().Get(Creds);
        var first = await secret.GetAsync(Cancellation);
        _source.SetLease(first.Lease!, TimeSpan.Zero);
        _source.Hold();
        await _time.PassUntilAsync(() => _source.Fetches.Count == 2);
        Assert.Same(first, secret.Current);

        _source.Release();
        await secret.IdleAsync();
        Assert.NotEqual(first["username"], secret.Current["username"]);
    }

    [Fact]
    public async Task A_credential_whose_renewal_is_refused_is_replaced_at_once()
    {
        var secret = Start().Get(Creds);
        var first = await secret.GetAsync(Cancellation);
        _source.SetLease(first.Lease!, null);
        await PassAsync(TimeSpan.FromMinutes(41), secret);
        Assert.NotEqual(first["username"], secret.Current["username"]);
    }

    [Fact]
    public async Task A_credential_that_cannot_be_renewed_is_replaced_at_two_thirds()
    {
        _source.SetDynamic(Creds, Hour, isRenewable: false);
        var secret = Start().Get(Creds);
        var first = await secret.GetAsync(Cancellation);
        await PassAsync(TimeSpan.FromMinutes(41), secret);
        Assert.NotEqual(first["username"], secret.Current["username"]);
    }

    [Fact]
    public async Task A_credential_is_not_handed_out_after_its_lease_has_ended_and_comes_back_with_the_source()
    {
        var secret = Start(new() { MaxStale = TimeSpan.FromDays(1) }).Get(Creds);
        var first = await secret.GetAsync(Cancellation);
        _source.Fail();
        await PassAsync(TimeSpan.FromMinutes(59.9), secret);
        Assert.Same(first, secret.Current);
        await PassAsync(TimeSpan.FromMinutes(0.2), secret);
        Assert.Throws<SecretExpiredException>(() => secret.Current);

        _source.Recover();
        await PassAsync(TimeSpan.FromMinutes(1), secret);
        Assert.Equal(SecretState.Fresh, secret.State);
    }

    [Fact]
    public async Task After_another_login_credentials_of_the_old_one_are_replaced()
    {
        var secret = Start().Get(Creds);
        var first = await secret.GetAsync(Cancellation);
        _source.EndLeases();
        await PassAsync(TimeSpan.FromSeconds(1), secret);
        Assert.NotEqual(first["username"], secret.Current["username"]);
    }

    [Fact]
    public async Task A_replaced_credential_is_revoked_after_the_overlap_that_was_asked_for()
    {
        var secret = Start(new() { RevokeReplacedAfter = TimeSpan.FromMinutes(2) }).Get(Creds);
        var first = await secret.GetAsync(Cancellation);
        await PassAsync(TimeSpan.FromSeconds(1), secret);
        await secret.RefreshAsync(Cancellation);
        await PassAsync(TimeSpan.FromMinutes(1.9), secret);
        Assert.Contains(first.Lease!, _source.Leases);
        await _time.PassUntilAsync(() => !_source.Leases.Contains(first.Lease!));
        Assert.Single(_source.Leases);
    }

    [Fact]
    public async Task Credentials_are_revoked_at_the_end()
    {
        var secrets = Start(new() { RevokeReplacedAfter = TimeSpan.FromHours(1) });
        await secrets.GetAsync(Creds, Cancellation);
        await PassAsync(TimeSpan.FromSeconds(1), secrets.Get(Creds));
        await secrets.Get(Creds).RefreshAsync(Cancellation);
        Assert.Equal(2, _source.Leases.Count);
        await secrets.DisposeAsync();
        Assert.Empty(_source.Leases);
        Assert.Throws<ObjectDisposedException>(() => secrets.Get(Creds));
    }

    [Fact]
    public async Task Credentials_are_left_to_their_leases_where_that_is_wanted()
    {
        var secrets = Start(new() { RevokeAtEnd = false });
        await secrets.GetAsync(Creds, Cancellation);
        await secrets.DisposeAsync();
        Assert.Single(_source.Leases);
    }

    [Fact]
    public async Task Credentials_of_other_instances_are_no_change()
    {
        var secret = Start(new()).Get(Creds);
        var first = await secret.GetAsync(Cancellation);
        _source.Tell(new SecretChange(Creds));
        _source.Tell(SecretChange.Everything);
        await PassAsync(TimeSpan.FromSeconds(30), secret);
        Assert.Same(first, secret.Current);
    }

    private LiveSecrets Start(LiveSecretsOptions? options = null) =>
        _secrets = new LiveSecrets(
            _source,
            (options ?? new LiveSecretsOptions { Watch = false }) with
            {
                Time = _time,
            }
        );

    private async Task PassAsync(TimeSpan by, LiveSecret secret)
    {
        for (var left = by; left > TimeSpan.Zero; left -= TimeSpan.FromSeconds(5))
        {
            _time.Advance(left < TimeSpan.FromSeconds(5) ? left : TimeSpan.FromSeconds(5));
            await secret.IdleAsync();
        }
    }
}
