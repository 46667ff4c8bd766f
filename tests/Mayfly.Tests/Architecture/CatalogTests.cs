using System.Reflection;
using Mayfly.Core;
using Mayfly.Core.Engines;
using Mayfly.Core.Engines.Database;
using Mayfly.Tests.Contracts;
using Mayfly.Tests.Engines.Database;

namespace Mayfly.Tests.Architecture;

/// <summary>What belongs to a line of the catalog: a class of tests that inherits the contract, and a page of docs.</summary>
public sealed class CatalogTests
{
    // Another name of what stands before it in the catalog, with the same code and page.
    private static readonly string[] OtherNames = ["generic", "kv-v1", "kv-v2"];

    private static IEnumerable<EngineType> Types => Catalog.Engines.Where(type => !OtherNames.Contains(type.Name));

    [Fact]
    public void Every_type_passes_the_contract()
    {
        var property = typeof(EngineContract).GetProperty("Type", BindingFlags.Instance | BindingFlags.NonPublic)!;
        var tested = typeof(CatalogTests)
            .Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(EngineContract)))
            .Select(type => (EngineType)property.GetValue(WithoutFixtures(type))!)
            .Select(type => (type.Kind, type.Name))
            .ToHashSet();

        Assert.All(Types, type => Assert.Contains((type.Kind, type.Name), tested));
    }

    [Fact]
    public void Every_type_has_a_page()
    {
        var docs = Path.Combine(Repository.Root, "docs");

        Assert.All(
            Types,
            type =>
                Assert.True(
                    File.Exists(
                        Path.Combine(docs, type.Kind == EngineKind.Auth ? "auth" : "engines", $"{type.Name}.md")
                    ),
                    type.Name
                )
        );
    }

    [Fact]
    public void Every_kind_of_database_passes_the_contract_and_is_on_the_page()
    {
        var property = typeof(DatabaseContract).GetProperty(
            "PluginName",
            BindingFlags.Instance | BindingFlags.NonPublic
        )!;
        var tested = typeof(CatalogTests)
            .Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(DatabaseContract)))
            .Select(type => (string)property.GetValue(Activator.CreateInstance(type, new DatabaseServers()))!)
            .ToHashSet();
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "engines", "database.md"));

        Assert.All(DatabaseKind.All, kind => Assert.Contains(kind.PluginNames, tested.Contains));
        Assert.All(
            DatabaseKind.All.SelectMany(kind => kind.PluginNames),
            name => Assert.Contains($"`{name}`", page, StringComparison.Ordinal)
        );
    }

    [Fact]
    public void Names_are_unique_in_their_kind() =>
        Assert.Equal(Catalog.Engines.Count, Catalog.Engines.DistinctBy(type => (type.Kind, type.Name)).Count());

    // The type is asked for, and nothing that needs a server.
    private static object WithoutFixtures(Type type)
    {
        var constructor = type.GetConstructors().Single();
        return constructor.Invoke(new object?[constructor.GetParameters().Length]);
    }
}
