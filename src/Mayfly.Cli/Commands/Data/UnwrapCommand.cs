using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Data;

internal sealed class UnwrapCommand() : Command("unwrap", "Open a wrapped answer")
{
    public override string Usage => "[options] [TOKEN]";

    public override string Details =>
        """
            Opens the answer that a wrapping token holds. That works once: if it fails although the token is fresh,
            someone else has opened it. Without TOKEN, or with "-", it is read from the token in use or standard input.
            $ mayfly unwrap hvs.CAES...
            $ mayfly unwrap - < wrapped.txt
            """;

    public override bool HasField => true;

    public override int Most => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        var token = call.Arguments.Count == 0 ? "" : TypedSecret.FromArgument(call.Session, call.Arguments[0]);
        var own = call.Options.Token;
        // With a token of one's own, the audit says who opened it; without, the wrapping token speaks for itself.
        var bySelf = token.Length == 0 || own is null || own == token;
        var request = new MayflyRequest(HttpMethod.Put, "sys/wrapping/unwrap")
        {
            Token = token.Length > 0 && bySelf ? token : null,
            Body = bySelf
                ? "{}"u8.ToArray()
                : JsonText.Bytes(writer =>
                {
                    writer.WriteStartObject();
                    writer.WriteString("token", token);
                    writer.WriteEndObject();
                }),
        };
        var response = await call.SendAsync(request);
        return response.IsSuccess ? call.Show(response) : call.Refused("Error unwrapping", response);
    }
}
