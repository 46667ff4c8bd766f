using System.Text;

namespace Mayfly.Client;

/// <summary>The server answered, and the answer is a failure.</summary>
public sealed class MayflyApiException : MayflyException
{
    internal MayflyApiException(MayflyResponse response)
        : base(Describe(response))
    {
        Status = response.Status;
        Errors = response.Errors;
        Warnings = response.Warnings;
        RequestId = response.RequestId;
        RetryAfter = response.RetryAfter;
    }

    /// <summary>The HTTP status code.</summary>
    public int Status { get; }

    /// <summary>The server's error messages.</summary>
    public IReadOnlyList<string> Errors { get; }

    /// <summary>The server's warnings.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>A write has named a version that is not the current one (any more).</summary>
    public bool IsVersionMismatch =>
        Status == 400
        && Errors.Any(static error =>
            error.Contains("check-and-set parameter did not match", StringComparison.Ordinal)
        );

    /// <summary>The server's name for the request, by which its audit log tells more; empty when it does not say.</summary>
    public string RequestId { get; }

    /// <summary>How long the server asks to wait, or null.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>A failure in the words that Vault's clients use: method, address, code and errors.</summary>
    /// <param name="response">A response that is not a success.</param>
    public static string Describe(MayflyResponse response)
    {
        var text = new StringBuilder("Error making API request.\n\nURL: ")
            .Append(response.Method)
            .Append(' ')
            .Append(response.Address.OriginalString)
            .Append("\nCode: ")
            .Append(response.Status)
            .Append(". ");
        if (response.Errors.Count == 0)
        {
            return text.Append(response.Root.ValueKind == default ? "The answer is not JSON." : "No message.")
                .ToString();
        }

        text.Append("Errors:\n");
        foreach (var error in response.Errors)
        {
            text.Append("\n* ").Append(error.Trim());
        }

        return text.ToString();
    }
}
