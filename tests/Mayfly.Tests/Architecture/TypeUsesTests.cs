using Mayfly.Tests.Architecture.Forbidden;

namespace Mayfly.Tests.Architecture
{
    /// <summary>The walls hold only what <see cref="TypeUses"/> sees.</summary>
    public sealed class TypeUsesTests
    {
        private static readonly Lazy<HashSet<Type>> Users = new(() =>
            TypeUses
                .Of(typeof(TypeUsesTests).Assembly)
                .Where(use => use.Used.Namespace == typeof(Thing).Namespace)
                .Select(use => use.User)
                .ToHashSet()
        );

        [Theory]
        [InlineData(typeof(InField))]
        [InlineData(typeof(InSignature))]
        [InlineData(typeof(AsBase))]
        [InlineData(typeof(InLambda))]
        [InlineData(typeof(InAsyncMethod))]
        [InlineData(typeof(AsTypeArgument))]
        [InlineData(typeof(AsMethodArgument))]
        [InlineData(typeof(InStaticCall))]
        [InlineData(typeof(InTypeOf))]
        [InlineData(typeof(AsAttribute))]
        public void A_use_is_seen(Type user) => Assert.Contains(user, Users.Value);
    }

#pragma warning disable CA1812, CA1823, CS0169, IDE0044, IDE0051, MA0053, S1144 // Samples: their code is read, and never runs.
    internal sealed class InField
    {
        private Thing? _thing;
    }

    internal sealed class InSignature
    {
        public static void Take(Thing[] things) => _ = things;
    }

    internal sealed class AsBase : Thing;

    internal sealed class InLambda
    {
        public static Func<object> Make => () => new Thing();
    }

    internal sealed class InAsyncMethod
    {
        public static async Task RunAsync()
        {
            await Task.Yield();
            _ = new Thing();
        }
    }

    internal sealed class AsTypeArgument
    {
        public static object Make() => new List<Dictionary<string, Thing>>();
    }

    internal sealed class AsMethodArgument
    {
        public static object Make() => Array.Empty<Thing>();
    }

    internal sealed class InStaticCall
    {
        public static void Call() => Thing.Call();
    }

    internal sealed class InTypeOf
    {
        public static string Name => typeof(Thing).Name;
    }

    [Mark]
    internal sealed class AsAttribute;
#pragma warning restore
}

namespace Mayfly.Tests.Architecture.Forbidden
{
    internal class Thing
    {
        public static void Call() { }
    }

    [AttributeUsage(AttributeTargets.Class)]
    internal sealed class MarkAttribute : Attribute;
}
