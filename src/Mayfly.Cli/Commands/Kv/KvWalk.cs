using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Kv;

/// <summary>Walks a store as far as the token may list it.</summary>
/// <remarks>A folder's own listing is the only source: nothing is shown that a LIST would not show.</remarks>
internal sealed class KvWalk(Invocation call, KvPath start)
{
    private const int AtOnce = 8;

    /// <summary>Folders that the token may not list.</summary>
    public int Denied { get; private set; }

    /// <summary>The first failure that is not a denial.</summary>
    public MayflyResponse? Failure { get; private set; }

    /// <summary>Every secret below the start, as a path below it, in order.</summary>
    public async Task<List<string>> SecretsAsync()
    {
        var secrets = new List<string>();
        var folders = new List<string> { "" };
        while (folders.Count > 0 && Failure is null)
        {
            var batch = folders.GetRange(0, Math.Min(AtOnce, folders.Count));
            folders.RemoveRange(0, batch.Count);
            var answers = await Task.WhenAll(batch.ConvertAll(ListAsync));
            for (var i = 0; i < batch.Count; i++)
            {
                foreach (var name in Names(answers[i]))
                {
                    (name.EndsWith('/') ? folders : secrets).Add(batch[i] + name);
                }
            }
        }

        secrets.Sort(StringComparer.Ordinal);
        return secrets;
    }

    private Task<MayflyResponse> ListAsync(string folder)
    {
        var inside = start.Relative.Length == 0 ? folder : $"{start.Relative}/{folder}";
        var path = (start with { Relative = inside.TrimEnd('/') }).ApiFolder("metadata");
        return call.SendAsync(new MayflyRequest(HttpMethod.Get, path) { Query = [new("list", "true")] });
    }

    private List<string> Names(MayflyResponse response)
    {
        var names = new List<string>();
        if (response.Status == 403)
        {
            Denied++;
        }
        else if (!response.IsSuccess && response.Status != 404)
        {
            Failure ??= response;
        }
        else if (SecretRows.Member(response.Data, "keys") is { ValueKind: JsonValueKind.Array } keys)
        {
            foreach (var key in keys.EnumerateArray())
            {
                // A folder named "/" would lead back here for ever.
                if (PlainText.Of(key) is var name && name.Trim('/').Length > 0)
                {
                    names.Add(name);
                }
            }
        }

        return names;
    }
}
