using System.Globalization;
using System.Text;
using System.Text.Json;
using Mayfly.Cli.Commands.Kv;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;

namespace Mayfly.Cli.Commands.Agent;

internal sealed class GenerateConfigCommand()
    : Command("generate-config", "Write a configuration of the agent to begin with")
{
    private const string EnvironmentTemplates = "env-template";

    private readonly TextFlag _type = new("type", "What to write: env-template.") { Choices = [EnvironmentTemplates] };

    private readonly TextFlag _exec = new("exec", "The program that gets the variables, with its arguments.");

    private readonly ListFlag _paths = new(
        "path",
        "A secret of a key/value store, or with /* at its end all below it. May be repeated."
    );

    public override string Usage => "-type=env-template [options] [FILE]";

    public override string Details =>
        """
            Writes a configuration, agent.hcl unless FILE is given, in which the agent starts a program with a variable for
            each field of each secret: the last part of the path and the field, DB_PASSWORD. Names of fields are read;
            values are not written. It logs in with the token of the command line, which is meant for a first try.
            $ mayfly agent generate-config -type=env-template -exec="./shop --serve" -path=secret/shop/db shop.hcl
            $ mayfly agent generate-config -type=env-template -exec=./shop -path="secret/shop/*"
            """;

    public override IReadOnlyList<Flag> Flags => [_type, _exec, _paths];

    public override int Most => 1;

    public override bool ShowsAnswers => false;

    public override async Task<int> RunAsync(Invocation call)
    {
        if (_type.Value != EnvironmentTemplates)
        {
            return call.Wrong($"-type={EnvironmentTemplates} is needed; there is no other");
        }

        var file = call.Arguments.Count > 0 ? call.Arguments[0] : "agent.hcl";
        if (File.Exists(file))
        {
            return call.Wrong($"{file} is there already, and is left as it is: name another file");
        }

        var variables = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var path in _paths.Values)
        {
            if (await AddAsync(call, path, variables) is var code && code != Exit.Ok)
            {
                return code;
            }
        }

        await File.WriteAllTextAsync(file, Text(call, variables), call.Cancellation);
        call.Print.Line($"Wrote {file}, with {variables.Count} variables.");
        call.Print.Warn(
            "It logs in by a token file, which is for trying out: a program that stays wants a role of its own."
        );
        return Exit.Ok;
    }

    private static async Task<int> AddAsync(Invocation call, string typed, SortedDictionary<string, string> variables)
    {
        var isFolder = typed.EndsWith("/*", StringComparison.Ordinal);
        var (path, code) = await KvPath.ResolveAsync(call, mountFlag: null, isFolder ? typed[..^2] : typed);
        if (code != Exit.Ok)
        {
            return code;
        }

        if (!isFolder)
        {
            return await AddSecretAsync(call, path, variables);
        }

        var walk = new KvWalk(call, path);
        foreach (var secret in await walk.SecretsAsync())
        {
            var below = path with { Relative = path.Relative.Length == 0 ? secret : $"{path.Relative}/{secret}" };
            if (await AddSecretAsync(call, below, variables) is var failed && failed != Exit.Ok)
            {
                return failed;
            }
        }

        return walk.Failure is { } failure ? call.Refused($"Error listing {typed}", failure)
            : walk.Denied > 0 ? call.Wrong($"{typed}: the token may not list {walk.Denied} folders of it")
            : Exit.Ok;
    }

    private static async Task<int> AddSecretAsync(
        Invocation call,
        KvPath path,
        SortedDictionary<string, string> variables
    )
    {
        var api = path.Api("data");
        var response = await call.ReadAsync(api);
        if (!response.IsSuccess)
        {
            return call.Refused($"Error reading {api}", response);
        }

        var data = path.IsVersion2 ? SecretRows.Member(response.Data, "data") : response.Data;
        if (data.ValueKind != JsonValueKind.Object)
        {
            return call.Wrong($"{api} holds no fields");
        }

        var stem = path.Relative[(path.Relative.LastIndexOf('/') + 1)..];
        foreach (var field in data.EnumerateObject())
        {
            var fields = path.IsVersion2 ? ".Data.data" : ".Data";
            // A name that the language has no word for is looked up as text.
            var value = IsWord(field.Name) ? $"{fields}.{field.Name}" : $"index {fields} {Quoted(field.Name)}";
            var name = Variable($"{stem}_{field.Name}");
            if (!variables.TryAdd(name, $"{{{{ with secret {Quoted(api)} }}}}{{{{ {value} }}}}{{{{ end }}}}"))
            {
                return call.Wrong(
                    $"two fields would be the variable {name}: give the paths one by one, and rename them"
                );
            }
        }

        return Exit.Ok;
    }

    private string Text(Invocation call, SortedDictionary<string, string> variables)
    {
        var address = call.Options.Address;
        var token = Path.Combine(call.Session.Environment("HOME") ?? "/root", ".mayfly-token");
        var text = new StringBuilder(
            $$"""
            vault {
              address = {{Quoted(address)}}
            }

            auto_auth {
              method "token_file" {
                config = {
                  token_file_path = {{Quoted(token)}}
                }
              }
            }

            template_config {
              static_secret_render_interval = "5m"
              exit_on_retry_failure         = true
              max_connections_per_host      = 10
            }

            """
        );
        foreach (var (name, contents) in variables)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $$"""

                env_template "{{name}}" {
                  contents             = {{Quoted(contents)}}
                  error_on_missing_key = true
                }

                """
            );
        }

        var words = (_exec.Value ?? "env").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return text.Append(
                CultureInfo.InvariantCulture,
                $$"""

                exec {
                  command                   = [{{string.Join(", ", words.Select(Quoted))}}]
                  restart_on_secret_changes = "always"
                  restart_stop_signal       = "SIGTERM"
                }

                """
            )
            .ToString();
    }

    private static bool IsWord(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');

    private static string Variable(string name) =>
        string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToUpperInvariant(c) : '_'));

    /// <summary>A text of HCL, and of Go's templates.</summary>
    private static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' or '\\' => quoted.Append('\\').Append(c),
                '\n' => quoted.Append("\\n"),
                _ when char.IsControl(c) => quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => quoted.Append(c),
            };
        }

        return quoted.Append('"').ToString();
    }
}
