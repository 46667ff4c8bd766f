using Mayfly.Cli.Dispatch;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Data;

internal static class WriteResult
{
    /// <summary>What came back from a write; often nothing.</summary>
    public static async Task<int> ShowAsync(Invocation call, string path, MayflyResponse response, string kvVerb)
    {
        if (!response.IsSuccess)
        {
            var code = call.Refused($"Error writing data to {path}", response);
            await MistakenKvPath.HintAsync(call, path, kvVerb, response);
            return code;
        }

        if (response.Body.IsEmpty)
        {
            call.Print.Note($"Success! Data written to: {path}");
            return Exit.Ok;
        }

        var code2 = call.Show(response);
        if (call.Field is null && Output.SecretRows.Of(response).Count == 0)
        {
            call.Print.Note($"Success! Data written to: {path}");
        }

        return code2;
    }
}
