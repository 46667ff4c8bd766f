using System.Reflection;
using System.Reflection.Emit;

namespace Mayfly.Tests.Architecture;

/// <summary>
/// Which types of an assembly use which others: in signatures, fields, base types, attributes of types, and inside method
/// bodies (so also in lambdas and async methods, whose code the compiler moves into nested types).
/// </summary>
internal static class TypeUses
{
    private const BindingFlags All =
        BindingFlags.Public
        | BindingFlags.NonPublic
        | BindingFlags.Instance
        | BindingFlags.Static
        | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value);

    /// <summary>Pairs of (outermost type, used type), where the used type is from another namespace.</summary>
    public static IEnumerable<(Type User, Type Used)> Of(Assembly assembly) =>
        assembly
            .GetTypes()
            .SelectMany(type => UsedBy(type).SelectMany(Unfold).Select(used => (User: Outermost(type), Used: used)))
            .Where(pair => pair.User.Namespace != pair.Used.Namespace)
            .Distinct();

    private static IEnumerable<Type> UsedBy(Type type)
    {
        if (type.BaseType is { } parent)
        {
            yield return parent;
        }

        foreach (var contract in type.GetInterfaces())
        {
            yield return contract;
        }

        foreach (var attribute in type.GetCustomAttributesData())
        {
            yield return attribute.AttributeType;
        }

        foreach (var field in type.GetFields(All))
        {
            yield return field.FieldType;
        }

        foreach (var method in type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All)))
        {
            foreach (var parameter in method.GetParameters())
            {
                yield return parameter.ParameterType;
            }

            if (method is MethodInfo { ReturnType: var returned })
            {
                yield return returned;
            }

            foreach (var used in UsedInBody(method))
            {
                yield return used;
            }
        }
    }

    private static List<Type> UsedInBody(MethodBase method)
    {
        var found = new List<Type>();
        if (method.GetMethodBody() is not { } body || body.GetILAsByteArray() is not { } il)
        {
            return found;
        }

        found.AddRange(body.LocalVariables.Select(local => local.LocalType));
        var typeArguments = method.DeclaringType is { IsGenericType: true } owner ? owner.GetGenericArguments() : null;
        var methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (var i = 0; i < il.Length; )
        {
            var code = il[i] == 0xFE ? OpCodesByValue[(short)(0xFE00 | il[i + 1])] : OpCodesByValue[il[i]];
            i += code.Size;
            if (
                code.OperandType
                is OperandType.InlineMethod
                    or OperandType.InlineField
                    or OperandType.InlineType
                    or OperandType.InlineTok
            )
            {
                var member = method.Module.ResolveMember(BitConverter.ToInt32(il, i), typeArguments, methodArguments);
                if ((member as Type ?? member?.DeclaringType) is { } used)
                {
                    found.Add(used);
                }

                if (member is MethodInfo { IsGenericMethod: true } generic)
                {
                    found.AddRange(generic.GetGenericArguments());
                }
            }

            i += OperandSize(code, il, i);
        }

        return found;
    }

    private static int OperandSize(OpCode code, byte[] il, int at) =>
        code.OperandType switch
        {
            OperandType.InlineNone => 0,
            OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
            OperandType.InlineVar => 2,
            OperandType.InlineI8 or OperandType.InlineR => 8,
            OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(il, at),
            _ => 4,
        };

    private static IEnumerable<Type> Unfold(Type type)
    {
        if (type.HasElementType)
        {
            return Unfold(type.GetElementType()!);
        }

        return type.IsGenericType && !type.IsGenericTypeDefinition
            ? type.GetGenericArguments().SelectMany(Unfold).Append(Outermost(type.GetGenericTypeDefinition()))
            : [Outermost(type)];
    }

    private static Type Outermost(Type type)
    {
        while (type.DeclaringType is { } outer)
        {
            type = outer;
        }

        return type;
    }
}
