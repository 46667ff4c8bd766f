using System.Reflection;
using System.Text;
using Mayfly.Client;
using Mayfly.Client.Aws;
using Mayfly.Client.Azure;
using Mayfly.Client.Npgsql;
using Mayfly.Client.OpenTelemetry;
using Mayfly.Crypto;

namespace Mayfly.Tests.Architecture;

/// <summary>
/// What a package promises is written down in a text file beside this test, so that changing the promise is a decision. When
/// it was one, run the tests with MAYFLY_ACCEPT_API=1 and commit the file.
/// </summary>
public sealed class PublicApiTests
{
    [Fact]
    public void The_public_api_of_Mayfly_Crypto_is_the_one_written_down() => Compare(typeof(Keyring).Assembly);

    [Fact]
    public void The_public_api_of_Mayfly_Client_is_the_one_written_down() => Compare(typeof(MayflyClient).Assembly);

    [Fact]
    public void The_public_api_of_Mayfly_Client_Npgsql_is_the_one_written_down() =>
        Compare(typeof(LiveNpgsqlDataSource).Assembly);

    [Fact]
    public void The_public_api_of_Mayfly_Client_OpenTelemetry_is_the_one_written_down() =>
        Compare(typeof(RedactionTelemetryExtensions).Assembly);

    [Fact]
    public void The_public_api_of_Mayfly_Client_Aws_is_the_one_written_down() =>
        Compare(typeof(AwsSecretsManagerSource).Assembly);

    [Fact]
    public void The_public_api_of_Mayfly_Client_Azure_is_the_one_written_down() =>
        Compare(typeof(AzureKeyVaultSource).Assembly);

    [Fact]
    public void What_every_package_of_the_client_promises_is_written_down()
    {
        var packages = Directory
            .GetDirectories(Path.Combine(Repository.Root, "src"), "Mayfly.Client*")
            .Select(Path.GetFileName)
            .ToList();

        Assert.Equal(5, packages.Count);
        Assert.All(packages, name => Assert.True(File.Exists(FileOf(name!)), $"{name} has no text"));
    }

    private static void Compare(Assembly assembly)
    {
        var file = FileOf(assembly.GetName().Name!);
        var actual = Describe(assembly);
        if (Environment.GetEnvironmentVariable("MAYFLY_ACCEPT_API") == "1")
        {
            File.WriteAllText(file, actual);
        }

        Assert.Equal(File.Exists(file) ? File.ReadAllText(file) : "", actual);
    }

    private static string FileOf(string package) =>
        Path.Combine(Repository.Root, "tests/Mayfly.Tests/Architecture", package + ".PublicApi.txt");

    private static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(type.FullName).Append('\n');
            var members = type.GetMembers(
                    BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly
                )
                .Where(member => member is not MethodBase { IsSpecialName: true, IsConstructor: false })
                .Select(member => $"    {member.MemberType}: {member}\n")
                .Order(StringComparer.Ordinal);
            text.AppendJoin("", members);
        }

        return text.ToString();
    }
}
