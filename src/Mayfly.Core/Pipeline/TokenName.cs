using System.Security.Cryptography;
using System.Text;

namespace Mayfly.Core.Pipeline;

/// <summary>A name for the token of a request, by which limits tell tokens apart.</summary>
internal static class TokenName
{
    /// <summary>Its accessor. A batch token has none, and its own text is no name for anything.</summary>
    public static string Of(AuthorizedRequest request) =>
        request.Caller.Token.Accessor is { Length: > 0 } accessor
            ? accessor
            : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(request.Request.Token ?? "")));
}
