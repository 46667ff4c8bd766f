using System.Runtime.InteropServices;

namespace Mayfly.Crypto.Oprf;

/// <summary>OpenSSL's numbers and elliptic curves: <c>openssl/bn.h</c>, <c>openssl/ec.h</c>. None of these functions is deprecated.</summary>
internal static partial class LibCrypto
{
    /// <summary>NID_X9_62_prime256v1.</summary>
    public const int P256 = 415;

    /// <summary>POINT_CONVERSION_COMPRESSED.</summary>
    public const int Compressed = 2;

    private const string Library = Sha256.Library;

    [LibraryImport(Library, EntryPoint = "BN_CTX_new")]
    public static partial nint NewContext();

    [LibraryImport(Library, EntryPoint = "BN_CTX_free")]
    public static partial void FreeContext(nint context);

    [LibraryImport(Library, EntryPoint = "BN_new")]
    public static partial nint NewNumber();

    [LibraryImport(Library, EntryPoint = "BN_clear_free")]
    public static partial void FreeNumber(nint number);

    [LibraryImport(Library, EntryPoint = "BN_bin2bn")]
    public static partial nint Read(ref byte bytes, int length, nint number);

    [LibraryImport(Library, EntryPoint = "BN_bn2binpad")]
    public static partial int Write(nint number, ref byte bytes, int length);

    [LibraryImport(Library, EntryPoint = "BN_copy")]
    public static partial nint Copy(nint to, nint from);

    [LibraryImport(Library, EntryPoint = "BN_set_word")]
    public static partial int Set(nint number, nuint word);

    [LibraryImport(Library, EntryPoint = "BN_is_zero")]
    public static partial int IsZero(nint number);

    [LibraryImport(Library, EntryPoint = "BN_is_odd")]
    public static partial int IsOdd(nint number);

    [LibraryImport(Library, EntryPoint = "BN_cmp")]
    public static partial int Compare(nint a, nint b);

    [LibraryImport(Library, EntryPoint = "BN_nnmod")]
    public static partial int Reduce(nint result, nint number, nint modulus, nint context);

    [LibraryImport(Library, EntryPoint = "BN_mod_add")]
    public static partial int Add(nint result, nint a, nint b, nint modulus, nint context);

    [LibraryImport(Library, EntryPoint = "BN_mod_sub")]
    public static partial int Subtract(nint result, nint a, nint b, nint modulus, nint context);

    [LibraryImport(Library, EntryPoint = "BN_mod_mul")]
    public static partial int Multiply(nint result, nint a, nint b, nint modulus, nint context);

    [LibraryImport(Library, EntryPoint = "BN_mod_sqr")]
    public static partial int Square(nint result, nint a, nint modulus, nint context);

    [LibraryImport(Library, EntryPoint = "BN_mod_exp")]
    public static partial int Power(nint result, nint a, nint exponent, nint modulus, nint context);

    [LibraryImport(Library, EntryPoint = "BN_mod_inverse")]
    public static partial nint Invert(nint result, nint a, nint modulus, nint context);

    [LibraryImport(Library, EntryPoint = "BN_rshift")]
    public static partial int ShiftRight(nint result, nint a, int bits);

    [LibraryImport(Library, EntryPoint = "BN_set_flags")]
    public static partial void SetFlags(nint number, int flags);

    [LibraryImport(Library, EntryPoint = "EC_GROUP_new_by_curve_name")]
    public static partial nint NewGroup(int curve);

    [LibraryImport(Library, EntryPoint = "EC_GROUP_free")]
    public static partial void FreeGroup(nint group);

    [LibraryImport(Library, EntryPoint = "EC_GROUP_get_curve")]
    public static partial int Curve(nint group, nint p, nint a, nint b, nint context);

    [LibraryImport(Library, EntryPoint = "EC_GROUP_get_order")]
    public static partial int Order(nint group, nint order, nint context);

    [LibraryImport(Library, EntryPoint = "EC_POINT_new")]
    public static partial nint NewPoint(nint group);

    [LibraryImport(Library, EntryPoint = "EC_POINT_clear_free")]
    public static partial void FreePoint(nint point);

    [LibraryImport(Library, EntryPoint = "EC_POINT_set_affine_coordinates")]
    public static partial int SetPoint(nint group, nint point, nint x, nint y, nint context);

    [LibraryImport(Library, EntryPoint = "EC_POINT_add")]
    public static partial int AddPoints(nint group, nint result, nint a, nint b, nint context);

    [LibraryImport(Library, EntryPoint = "EC_POINT_mul")]
    public static partial int MultiplyPoint(
        nint group,
        nint result,
        nint ofGenerator,
        nint point,
        nint factor,
        nint context
    );

    [LibraryImport(Library, EntryPoint = "EC_POINT_is_at_infinity")]
    public static partial int IsInfinity(nint group, nint point);

    [LibraryImport(Library, EntryPoint = "EC_POINT_oct2point")]
    public static partial int ReadPoint(nint group, nint point, ref byte bytes, nuint length, nint context);

    [LibraryImport(Library, EntryPoint = "EC_POINT_point2oct")]
    public static partial nuint WritePoint(
        nint group,
        nint point,
        int form,
        ref byte bytes,
        nuint length,
        nint context
    );

    [LibraryImport(Library, EntryPoint = "ERR_clear_error")]
    public static partial void ClearErrors();
}
