using System.Diagnostics;
using System.Text;

namespace Mayfly.Server.Http.Vault;

/// <summary>What an unexpected exception may say in the log: types and places, because a message could quote a secret.</summary>
internal static class FailureText
{
    public static string Of(Exception exception)
    {
        var text = new StringBuilder();
        for (var e = exception; e is not null; e = e.InnerException)
        {
            text.Append(text.Length == 0 ? "" : " <- ").Append(e.GetType().FullName);
            foreach (var frame in new StackTrace(e, fNeedFileInfo: false).GetFrames().Take(12))
            {
                var method = frame.GetMethod();
                text.Append(" at ").Append(method?.DeclaringType?.FullName).Append('.').Append(method?.Name);
            }
        }

        return text.ToString();
    }
}
