using Mayfly.Client.Secrets;
using Npgsql;

namespace Mayfly.Client.Npgsql;

/// <summary>The connections of one user. Safe for concurrent use.</summary>
internal sealed class CredentialPool
{
    private int _isProven;

    public CredentialPool(string connectionString, SecretValue value, LiveNpgsqlOptions options)
    {
        Value = value;
        var builder = new NpgsqlDataSourceBuilder(connectionString);
        options.Configure?.Invoke(builder);
        if (value.TryGet(options.UserField, out var user))
        {
            builder.ConnectionStringBuilder.Username = user;
        }

        builder.ConnectionStringBuilder.Password = value[options.PasswordField];
        Source = builder.Build();
    }

    /// <summary>The version of the secret that its connections are opened with.</summary>
    public SecretValue Value { get; }

    public NpgsqlDataSource Source { get; }

    /// <summary>A connection has been opened with it. True the first time.</summary>
    public bool Prove() => Interlocked.Exchange(ref _isProven, 1) == 0;
}
