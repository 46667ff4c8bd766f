namespace Mayfly.Cli.Output;

internal enum OutputFormat
{
    Table,
    Json,
    Yaml,
    Raw,
}
