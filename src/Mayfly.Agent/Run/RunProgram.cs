using System.Text;
using System.Text.Json;
using Mayfly.Agent.Kv;
using Mayfly.Agent.Processes;
using Mayfly.Client;
using Mayfly.Client.Redaction;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;
using Mayfly.Hosting.Logging;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Run;

/// <summary><c>mayfly run</c>: one program with secrets, without an agent.</summary>
public static class RunProgram
{
    private const int Failed = 1;

    /// <summary>How long ending the leases may take when the program has ended.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Fetches the secrets, runs the program with them to its end, ends the leases, and gives its exit code. Signals are passed on.
    /// </summary>
    /// <param name="arguments">What was typed.</param>
    /// <param name="client">The server, and who asks.</param>
    /// <param name="error">Where problems go; no secret ever does.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<int> RunAsync(
        RunArguments arguments,
        MayflyClient client,
        TextWriter error,
        CancellationToken cancellation
    )
    {
        var source = new MayflySecretSource(client);
        var leases = new List<SecretLease>();
        var files = new List<MemoryFile>();
        var time = TimeProvider.System;
        using var provider = new LineLoggerProvider(
            line => error.Write(Encoding.UTF8.GetString(line)),
            new LogSettings(LogLevel.Warning, LogFormat.Standard),
            time,
            Redactor.Shared.Redact
        );
        await using var templates = new RunTemplates(client, provider.CreateLogger("run"), time);
        try
        {
            var variables = new Dictionary<string, string?>(StringComparer.Ordinal);
            var secrets = new FetchedSecrets(source, client, leases);
            foreach (var text in arguments.Variables)
            {
                var reference = Parse(text, "-env");
                variables[reference.Variable] = await secrets.ValueAsync(reference, cancellation);
            }

            foreach (var text in arguments.Files)
            {
                var reference = Parse(text, "-file");
                var file = MemoryFile.Of(await secrets.ValueAsync(reference, cancellation));
                files.Add(file);
                variables[reference.Variable] = file.Path;
            }

            foreach (var text in arguments.Templates)
            {
                var equals = text.IndexOf('=', StringComparison.Ordinal);
                if (equals <= 0 || equals == text.Length - 1)
                {
                    throw new AgentException("-template needs NAME=FILE, such as CONFIG=app.conf.tmpl");
                }

                var file = MemoryFile.Of(await templates.RenderAsync(text[(equals + 1)..], cancellation));
                files.Add(file);
                variables[text[..equals]] = file.Path;
            }

            if (!arguments.KeepsToken)
            {
                foreach (var name in IdentityVariables.InUse())
                {
                    variables.TryAdd(name, null);
                }
            }

            return await ForegroundProgram.RunAsync(arguments.Command, variables);
        }
        catch (Exception e) when (e is AgentException or SecretSourceException or MayflyException)
        {
            await error.WriteAsync($"mayfly run: {e.Message}\n");
            return e is ProgramStartException start ? start.ExitCode : Failed;
        }
        finally
        {
            files.ForEach(file => file.Dispose());
            await EndLeasesAsync(source, leases, error);
        }
    }

    private static SecretReference Parse(string text, string flag) =>
        SecretReference.TryParse(text, out var reference)
            ? reference
            : throw new AgentException($"{flag} needs NAME=PATH#FIELD, such as DB_PASSWORD=secret/app#password");

    private static async Task EndLeasesAsync(MayflySecretSource source, List<SecretLease> leases, TextWriter error)
    {
        using var limit = new CancellationTokenSource(EndLimit);
        foreach (var lease in leases)
        {
            try
            {
                await source.RevokeAsync(lease, limit.Token);
            }
            catch (Exception e) when (e is SecretSourceException or OperationCanceledException)
            {
                await error.WriteAsync(
                    $"mayfly run: the lease {lease.Id} was not ended, and ends by itself: {e.Message}\n"
                );
            }
        }
    }

    /// <summary>Each secret is fetched once, however many of its fields are wanted: two reads would be two users of a database.</summary>
    private sealed class FetchedSecrets(MayflySecretSource source, MayflyClient client, List<SecretLease> leases)
    {
        private readonly Dictionary<string, FetchedSecret> _secrets = new(StringComparer.Ordinal);
        private readonly KvMounts _mounts = new(client);

        public async Task<string> ValueAsync(SecretReference reference, CancellationToken cancellation)
        {
            if (!_secrets.TryGetValue(reference.Path, out var secret))
            {
                var path = await _mounts.ReadPathAsync(reference.Path, cancellation);
                secret = await source.FetchAsync(path, cancellation);
                _secrets[reference.Path] = secret;
                if (secret.Lease is { } lease)
                {
                    leases.Add(lease);
                }
            }

            if (reference.Field is null)
            {
                return secret.Fields.GetRawText();
            }

            if (!secret.Fields.TryGetProperty(reference.Field, out var value))
            {
                throw new AgentException($"{reference.Path} has no field {reference.Field}");
            }

            return value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        }
    }
}

/// <summary>What <c>mayfly run</c> was started with.</summary>
public sealed record RunArguments
{
    /// <summary>Variables with values: <c>NAME=PATH#FIELD</c>.</summary>
    public IReadOnlyList<string> Variables { get; init; } = [];

    /// <summary>Variables with the path of a file in memory that holds the value: <c>NAME=PATH#FIELD</c>.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Variables with the path of a file in memory that holds what a template gives: <c>NAME=FILE</c>.</summary>
    public IReadOnlyList<string> Templates { get; init; } = [];

    /// <summary>The program also gets the caller's token.</summary>
    public bool KeepsToken { get; init; }

    /// <summary>The program and its arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }
}
