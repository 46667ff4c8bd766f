namespace Mayfly.Cli.Dispatch;

/// <summary>Turns a transport failure into what to do about it.</summary>
internal static class ConnectionHint
{
    public static string Explain(string message)
    {
        var hint =
            Has("refused") || Has("No such file") || Has("Cannot assign")
                ? "Is the server running? Start one with \"mayfly server -dev\", or set MAYFLY_ADDR to its address."
            : Has("certificate") || Has("trust")
                ? "The server's certificate is not trusted. Name its authority with -ca-cert or MAYFLY_CACERT."
            : Has("Cannot determine the frame size")
            || Has("unexpected end")
            || Has("prematurely")
            || Has("reset by peer")
                ? "Does the address begin with the right one of http:// and https://?"
            : Has("SSL") ? "Does the address begin with the right one of http:// and https://?"
            : null;
        return hint is null ? message : $"{message}\n\n{hint}";

        bool Has(string part) => message.Contains(part, StringComparison.OrdinalIgnoreCase);
    }
}
