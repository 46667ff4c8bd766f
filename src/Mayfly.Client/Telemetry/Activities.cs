using System.Diagnostics;

namespace Mayfly.Client.Telemetry;

/// <summary>The library's activities. They say what was asked for and what came of it, and hold no token and no content.</summary>
internal static class Activities
{
    private static readonly ActivitySource Source = new(
        MayflyTelemetry.Name,
        typeof(Activities).Assembly.GetName().Version?.ToString()
    );

    /// <summary>One request with its repetitions, or null when nobody listens.</summary>
    public static Activity? Request(Uri server, MayflyRequest request)
    {
        var activity = Source.StartActivity($"mayfly {request.Method.Method}", ActivityKind.Client);
        return activity
            ?.SetTag("server.address", server.Host)
            .SetTag("server.port", server.Port)
            .SetTag("http.request.method", request.Method.Method)
            .SetTag("mayfly.path", request.Path);
    }

    public static Activity? Login(Uri server) => OfToken("mayfly login", server);

    public static Activity? Renewal(Uri server) => OfToken("mayfly renew", server);

    public static void Answered(this Activity activity, MayflyResponse response)
    {
        activity.SetTag("http.response.status_code", response.Status);
        if (!response.IsSuccess)
        {
            activity.SetStatus(ActivityStatusCode.Error);
        }

        if (response.RequestId is { Length: > 0 } id)
        {
            activity.SetTag("mayfly.request_id", id);
        }
    }

    public static void Failed(this Activity activity, Exception failure) =>
        activity.SetStatus(ActivityStatusCode.Error).SetTag("error.type", failure.GetType().FullName);

    private static Activity? OfToken(string name, Uri server) =>
        Source
            .StartActivity(name, ActivityKind.Client)
            ?.SetTag("server.address", server.Host)
            .SetTag("server.port", server.Port);
}
