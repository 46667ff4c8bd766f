using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

// AsyncProfile FOLDER OUT: a profile for the ReadyToRun compiler, which names what it does not see by itself.
//
// An asynchronous method that has to wait lives on in a box, which the framework makes in code that all results of reference types
// share; the compiler meets no such box there, and would leave each one's six methods to the just-in-time compiler. The format is that
// of dotnet-pgo's .mibc files: an assembly in whose global methods the instructions name methods and mean nothing else.
if (args is not [var folder, var output])
{
    Console.Error.WriteLine("usage: AsyncProfile FOLDER OUT.mibc");
    return 1;
}

var box = typeof(AsyncTaskMethodBuilder<>).GetNestedType("AsyncStateMachineBox`1", BindingFlags.NonPublic);
if (box is null)
{
    Console.Error.WriteLine("AsyncProfile: this version of .NET keeps asynchronous methods in another way");
    return 1;
}

var profile = new PersistedAssemblyBuilder(new AssemblyName("profile"), typeof(object).Assembly);
var module = profile.DefineDynamicModule("profile");
var dictionary = Global("AssemblyDictionary", out var groups);
foreach (var file in Directory.EnumerateFiles(folder, "*.dll").Where(IsOurs).Order(StringComparer.Ordinal))
{
    var assembly = Assembly.LoadFrom(Path.GetFullPath(file));
    var name = assembly.GetName().Name!;
    var group = Global("Assemblies_" + name, out var names);
    var count = 0;
    foreach (var machine in assembly.GetTypes().Where(type => type.IsAssignableTo(typeof(IAsyncStateMachine))))
    {
        foreach (var method in BoxOf(machine) is { } made ? Methods(made) : [])
        {
            // As a number, since a static constructor is nothing that code may name.
            var token = method is ConstructorInfo constructor
                ? module.GetMethodMetadataToken(constructor)
                : module.GetMethodMetadataToken((MethodInfo)method);
            names.Emit(OpCodes.Ldtoken, token);
            names.Emit(OpCodes.Pop);
            count++;
        }
    }

    names.Emit(OpCodes.Ret);
    if (count > 0)
    {
        groups.Emit(OpCodes.Ldstr, $"{typeof(object).Assembly.GetName().Name};{name};");
        groups.Emit(OpCodes.Ldtoken, group);
        groups.Emit(OpCodes.Pop);
    }

    Console.Error.WriteLine($"AsyncProfile: {name}: {count} methods");
}

groups.Emit(OpCodes.Ret);
module.CreateGlobalFunctions();
profile.Save(output);
return 0;

static bool IsOurs(string file) =>
    Path.GetFileName(file) is var name
    && (name.StartsWith("Mayfly.", StringComparison.Ordinal) || name.Equals("mayfly.dll", StringComparison.Ordinal));

MethodBuilder Global(string name, out ILGenerator body)
{
    var method = module.DefineGlobalMethod(name, MethodAttributes.Public | MethodAttributes.Static, typeof(void), []);
    body = method.GetILGenerator();
    return method;
}

Type? BoxOf(Type machine)
{
    try
    {
        // Code for one reference type is code for all.
        machine = machine.IsGenericTypeDefinition
            ? machine.MakeGenericType([.. machine.GetGenericArguments().Select(_ => typeof(object))])
            : machine;
    }
    catch (ArgumentException)
    {
        // It is for some types only.
        return null;
    }

    var builder = machine.GetField("<>t__builder", BindingFlags.Instance | BindingFlags.Public)?.FieldType;
    return
        builder is { IsGenericType: true }
        && builder.GetGenericTypeDefinition() is var kind
        && (kind == typeof(AsyncTaskMethodBuilder<>) || kind == typeof(AsyncValueTaskMethodBuilder<>))
        && builder.GetGenericArguments()[0] is var result
        && (!result.IsValueType || result.IsGenericType || machine.IsGenericType)
        ? box.MakeGenericType(result, machine)
        : null;
}

static IEnumerable<MethodBase> Methods(Type type) =>
    type.GetMembers(
            BindingFlags.Public
                | BindingFlags.NonPublic
                | BindingFlags.Instance
                | BindingFlags.Static
                | BindingFlags.DeclaredOnly
        )
        .OfType<MethodBase>();
