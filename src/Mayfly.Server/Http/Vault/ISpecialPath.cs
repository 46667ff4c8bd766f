namespace Mayfly.Server.Http.Vault;

/// <summary>A path whose answer depends on HTTP itself (statuses chosen by the query, HEAD), so the dialect gives it.</summary>
internal interface ISpecialPath
{
    /// <summary>Below <c>/v1/</c>.</summary>
    string Path { get; }

    /// <summary>Answers, or returns false to let the request take the common way.</summary>
    ValueTask<bool> TryAnswerAsync(Exchange exchange, string method, RequestTarget target);
}
