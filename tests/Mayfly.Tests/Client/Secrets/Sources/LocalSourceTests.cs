using System.Diagnostics;
using System.Text.Json;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;
using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Client.Secrets.Sources;

public sealed class MockSecretSourceTests : SecretSourceContract
{
    private readonly MockSecretSource _mock = new() { Default = static _ => null };

    protected override ISecretSource Source => _mock;

    [Fact]
    public async Task What_nobody_has_set_is_the_same_at_every_start()
    {
        var one = await new MockSecretSource().FetchAsync("app", Cancellation);
        var other = await new MockSecretSource().FetchAsync("app", Cancellation);
        Assert.Equal("mock value of app", one.Fields.GetProperty("value").GetString());
        Assert.Equal(one.Fields.GetRawText(), other.Fields.GetRawText());
    }

    [Fact]
    public async Task Each_read_is_recorded_with_its_time_also_a_failed_one()
    {
        var time = new ManualTime();
        var mock = new MockSecretSource(time);
        await mock.FetchAsync("app", Cancellation);
        time.Advance(TimeSpan.FromSeconds(5));
        mock.Fail(SecretFailure.Denied);
        await Assert.ThrowsAsync<SecretSourceException>(() => mock.FetchAsync("app", Cancellation));
        Assert.Equal(
            [new("app", time.GetUtcNow() - TimeSpan.FromSeconds(5)), new("app", time.GetUtcNow())],
            mock.Fetches
        );
    }

    protected override Task PutAsync(string name, Dictionary<string, string> fields)
    {
        _mock.Set(name, fields);
        return Task.CompletedTask;
    }
}

public sealed class EnvironmentSecretSourceTests : SecretSourceContract
{
    private readonly string _prefix = $"MAYFLYTEST_{Guid.NewGuid():N}_";
    private readonly List<string> _set = [];

    protected override ISecretSource Source => new EnvironmentSecretSource(_prefix);

    // Linux starts no program with a longer variable than 128 KiB (MAX_ARG_STRLEN), and other tests start some meanwhile.
    protected override int LargestValue => 64 << 10;

    public override ValueTask DisposeAsync()
    {
        _set.ForEach(variable => Environment.SetEnvironmentVariable(variable, null));
        return base.DisposeAsync();
    }

    [Fact]
    public async Task A_name_is_a_variable_in_capitals()
    {
        Set("SECRET_DATA_MY_APP", "hunter2");
        var fetched = await Source.FetchAsync("secret/data/my-app", Cancellation);
        Assert.Equal("hunter2", fetched.Fields.GetProperty("value").GetString());
    }

    [Fact]
    public async Task A_value_that_is_a_json_object_is_the_fields()
    {
        Set("DB", """{"username": "app", "port": 5432}""");
        Set("BROKEN", "{not json");
        var fetched = await Source.FetchAsync("db", Cancellation);
        Assert.Equal(5432, fetched.Fields.GetProperty("port").GetInt32());
        fetched = await Source.FetchAsync("broken", Cancellation);
        Assert.Equal("{not json", fetched.Fields.GetProperty("value").GetString());
    }

    protected override Task PutAsync(string name, Dictionary<string, string> fields)
    {
        foreach (var (field, value) in fields)
        {
            Set($"{name.ToUpperInvariant()}__{field.ToUpperInvariant()}", value);
        }

        return Task.CompletedTask;
    }

    private void Set(string variable, string value)
    {
        _set.Add(_prefix + variable);
        Environment.SetEnvironmentVariable(_prefix + variable, value);
    }
}

public sealed class FolderSecretSourceTests : SecretSourceContract, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTime _time = new();

    public FolderSecretSourceTests() => Source = new FolderSecretSource(_folder.Path, _time);

    protected override ISecretSource Source { get; }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_file_is_the_field_value_without_its_last_line_end()
    {
        Directory.CreateDirectory(_folder.File("db"));
        await File.WriteAllTextAsync(_folder.File("db/password"), "hunter2\n", Cancellation);
        var fetched = await Source.FetchAsync("db/password", Cancellation);
        Assert.Equal("hunter2", fetched.Fields.GetProperty("value").GetString());
        // The folder itself is a secret with a field for each file.
        fetched = await Source.FetchAsync("db", Cancellation);
        Assert.Equal("hunter2", fetched.Fields.GetProperty("password").GetString());
    }

    [Theory]
    [InlineData("../other")]
    [InlineData("/etc/passwd")]
    [InlineData("a/../../b")]
    [InlineData("")]
    [InlineData("a//b")]
    public async Task A_name_does_not_lead_out_of_the_folder(string name)
    {
        var failure = await Assert.ThrowsAsync<SecretSourceException>(() => Source.FetchAsync(name, Cancellation));
        Assert.Equal(SecretFailure.Invalid, failure.Reason);
    }

    [Fact]
    public async Task A_secret_that_kubernetes_replaces_is_noticed()
    {
        // A link to the current folder, swapped in one step; the visible files are links through it.
        Mount("v1", "one");
        var app = Directory.CreateDirectory(_folder.File("app")).FullName;
        Directory.CreateSymbolicLink(Path.Combine(app, "..data"), _folder.File("v1"));
        File.CreateSymbolicLink(Path.Combine(app, "password"), "..data/password");
        Assert.Equal("one", await PasswordAsync());
        await using var changes = ((IWatchableSecretSource)Source)
            .WatchAsync(Cancellation)
            .GetAsyncEnumerator(Cancellation);
        Assert.True(await changes.MoveNextAsync());

        Mount("v2", "two");
        Directory.CreateSymbolicLink(Path.Combine(app, "..data_tmp"), _folder.File("v2"));
        // .NET renames no links to folders.
        using (var rename = Process.Start("mv", ["-T", Path.Combine(app, "..data_tmp"), Path.Combine(app, "..data")]))
        {
            await rename.WaitForExitAsync(Cancellation);
            Assert.Equal(0, rename.ExitCode);
        }

        var next = changes.MoveNextAsync().AsTask();
        await PassTimeAsync(next);
        Assert.True(await next);
        Assert.Equal("app", changes.Current.Name);
        Assert.Equal("two", await PasswordAsync());

        async Task<string?> PasswordAsync() =>
            (await Source.FetchAsync("app", Cancellation)).Fields.GetProperty("password").GetString();
    }

    [Fact]
    public async Task Bytes_that_are_no_text_are_refused_without_showing_them()
    {
        await File.WriteAllBytesAsync(_folder.File("key"), [0xff, 0xfe, 0x41], Cancellation);
        var failure = await Assert.ThrowsAsync<SecretSourceException>(() => Source.FetchAsync("key", Cancellation));
        Assert.Equal(SecretFailure.Invalid, failure.Reason);
    }

    protected override async Task PutAsync(string name, Dictionary<string, string> fields)
    {
        var temporary = _folder.File(name + ".new");
        await File.WriteAllTextAsync(temporary, JsonSerializer.Serialize(fields), Cancellation);
        File.Move(temporary, _folder.File(name), overwrite: true);
    }

    protected override Task PassTimeAsync(Task task) => _time.PassUntilAsync(() => task.IsCompleted);

    private void Mount(string version, string password)
    {
        Directory.CreateDirectory(_folder.File(version));
        File.WriteAllText(_folder.File(version + "/password"), password);
    }
}

public sealed class JsonFileSecretSourceTests : SecretSourceContract, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTime _time = new();
    private readonly Dictionary<string, Dictionary<string, string>> _all = new() { ["first"] = [] };

    public JsonFileSecretSourceTests()
    {
        Source = new JsonFileSecretSource(_folder.File("secrets.json"), _time);
        File.WriteAllText(_folder.File("secrets.json"), """{"first": {}}""");
    }

    protected override ISecretSource Source { get; }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_broken_file_is_told_by_its_line_and_not_by_its_content()
    {
        await File.WriteAllTextAsync(_folder.File("secrets.json"), "{\n\"a\": hunter2\n}", Cancellation);
        var failure = await Assert.ThrowsAsync<SecretSourceException>(() => Source.FetchAsync("a", Cancellation));
        Assert.Equal(SecretFailure.Invalid, failure.Reason);
        Assert.Contains("line 2", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", failure.ToString(), StringComparison.Ordinal);
    }

    protected override async Task PutAsync(string name, Dictionary<string, string> fields)
    {
        _all[name] = fields;
        var temporary = _folder.File("secrets.new");
        await File.WriteAllTextAsync(temporary, JsonSerializer.Serialize(_all), Cancellation);
        File.Move(temporary, _folder.File("secrets.json"), overwrite: true);
    }

    protected override Task PassTimeAsync(Task task) => _time.PassUntilAsync(() => task.IsCompleted);
}

public sealed class DotEnvSecretSourceTests : SecretSourceContract, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTime _time = new();
    private readonly SortedDictionary<string, string> _all = new(StringComparer.Ordinal);

    public DotEnvSecretSourceTests()
    {
        Source = new DotEnvSecretSource(_folder.File(".env"), time: _time);
        File.WriteAllText(_folder.File(".env"), "# nothing yet\n");
    }

    protected override ISecretSource Source { get; }

    public void Dispose() => _folder.Dispose();

    protected override async Task PutAsync(string name, Dictionary<string, string> fields)
    {
        foreach (var (field, value) in fields)
        {
            _all[$"{name}__{field}".ToUpperInvariant()] = value;
        }

        var temporary = _folder.File("env.new");
        await File.WriteAllLinesAsync(
            temporary,
            _all.Select(pair => $"{pair.Key}={DotEnvTests.Quote(pair.Value)}"),
            Cancellation
        );
        File.Move(temporary, _folder.File(".env"), overwrite: true);
    }

    protected override Task PassTimeAsync(Task task) => _time.PassUntilAsync(() => task.IsCompleted);
}

public sealed class FallbackSecretSourceTests : SecretSourceContract
{
    private readonly MockSecretSource _first = new() { Default = static _ => null };
    private readonly MockSecretSource _second = new() { Default = static _ => null };

    public FallbackSecretSourceTests() => Source = new FallbackSecretSource(_first, _second);

    protected override ISecretSource Source { get; }

    [Fact]
    public async Task The_first_source_that_has_a_secret_gives_it()
    {
        _first.Set("both", "first");
        _second.Set("both", "second");
        var fetched = await Source.FetchAsync("both", Cancellation);
        Assert.Equal("first", fetched.Fields.GetProperty("value").GetString());
    }

    [Theory]
    [InlineData(SecretFailure.Unreachable)]
    [InlineData(SecretFailure.Denied)]
    public async Task A_source_that_is_away_or_refuses_is_not_gone_around(SecretFailure reason)
    {
        _first.Fail(reason);
        _second.Set("app", "second");
        var failure = await Assert.ThrowsAsync<SecretSourceException>(() => Source.FetchAsync("app", Cancellation));
        Assert.Equal(reason, failure.Reason);
    }

    [Fact]
    public async Task A_lease_is_renewed_and_revoked_where_it_comes_from()
    {
        _second.SetDynamic("creds", TimeSpan.FromHours(1));
        var lease = (await Source.FetchAsync("creds", Cancellation)).Lease!;
        Assert.Equal(
            TimeSpan.FromHours(1),
            (await ((ILeasingSecretSource)Source).RenewAsync(lease, Cancellation)).Duration
        );
        await ((ILeasingSecretSource)Source).RevokeAsync(lease, Cancellation);
        Assert.Empty(_second.Leases);
    }

    protected override Task PutAsync(string name, Dictionary<string, string> fields)
    {
        _second.Set(name, fields);
        return Task.CompletedTask;
    }
}
