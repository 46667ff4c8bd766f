using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Mayfly.Crypto.Oprf;

/// <summary>
/// The group P-256 with what RFC 9497 needs of it: hashing to it (RFC 9380, suite <c>P256_XMD:SHA-256_SSWU_RO_</c>), and
/// multiplication. The arithmetic is OpenSSL's; the steps are those of the RFCs. One thread at a time.
/// </summary>
internal sealed class P256Arithmetic : IDisposable
{
    /// <summary>Bytes of a compressed point.</summary>
    public const int PointSize = 33;

    /// <summary>Bytes of a scalar.</summary>
    public const int ScalarSize = 32;

    /// <summary>L of RFC 9380: bytes that are reduced to one number, so that it is uniform.</summary>
    private const int WideSize = 48;

    // BN_FLG_CONSTTIME
    private const int ConstantTime = 4;

    private readonly List<nint> _numbers = [];
    private readonly nint _context = LibCrypto.NewContext();
    private readonly nint _group = LibCrypto.NewGroup(LibCrypto.P256);
    private readonly nint _result;
    private readonly nint _other;
    private readonly nint _p;
    private readonly nint _a;
    private readonly nint _b;
    private readonly nint _order;
    private readonly nint _z;
    private readonly nint _rootExponent;
    private readonly nint _rootOfMinusZ;
    private readonly nint _zero;
    private readonly nint _one;
    private readonly nint _scalar;
    private readonly nint _u;
    private readonly nint _x;
    private readonly nint _y;
    private readonly nint _root;
    private readonly nint _t1;
    private readonly nint _t2;
    private readonly nint _t3;
    private readonly nint _t4;
    private readonly nint _t5;
    private readonly nint _t6;
    private bool _disposed;

    public P256Arithmetic()
    {
        _result = LibCrypto.NewPoint(_group);
        _other = LibCrypto.NewPoint(_group);
        (_p, _a, _b, _order, _z) = (Number(), Number(), Number(), Number(), Number());
        (_rootExponent, _rootOfMinusZ, _zero, _one, _scalar) = (Number(), Number(), Number(), Number(), Number());
        (_u, _x, _y, _root) = (Number(), Number(), Number(), Number());
        (_t1, _t2, _t3, _t4, _t5, _t6) = (Number(), Number(), Number(), Number(), Number(), Number());
        LibCrypto.SetFlags(_scalar, ConstantTime);
        Check(LibCrypto.Curve(_group, _p, _a, _b, _context));
        Check(LibCrypto.Order(_group, _order, _context));
        Check(LibCrypto.Set(_zero, 0));
        Check(LibCrypto.Set(_one, 1));

        // Z = -10 (RFC 9380, 8.2), c1 = (p - 3) / 4 and c2 = sqrt(-Z) = 10^((p + 1) / 4) (F.2.1.2).
        Check(LibCrypto.Set(_t1, 10));
        Check(LibCrypto.Subtract(_z, _zero, _t1, _p, _context));
        Check(LibCrypto.ShiftRight(_rootExponent, _p, 2));
        Check(LibCrypto.Power(_rootOfMinusZ, _t1, _rootExponent, _p, _context));
        Multiply(_rootOfMinusZ, _rootOfMinusZ, _t1);
    }

    /// <summary>Whether this system's libcrypto has what is needed.</summary>
    public static bool IsSupported { get; } =
        OperatingSystem.IsLinux()
        && NativeLibrary.TryLoad(Sha256.Library, Assembly.GetExecutingAssembly(), null, out var library)
        && NativeLibrary.TryGetExport(library, "EC_GROUP_get_curve", out _)
        && NativeLibrary.TryGetExport(library, "EC_POINT_set_affine_coordinates", out _);

    /// <summary>hash_to_curve of RFC 9380; the current point.</summary>
    public void HashToPoint(ReadOnlySpan<byte> message, ReadOnlySpan<byte> tag)
    {
        Span<byte> uniform = stackalloc byte[2 * WideSize];
        ExpandMessage(message, tag, uniform);
        MapToPoint(uniform[..WideSize], _result);
        MapToPoint(uniform[WideSize..], _other);
        Check(LibCrypto.AddPoints(_group, _result, _result, _other, _context));
        CryptographicOperations.ZeroMemory(uniform);
    }

    /// <summary>HashToScalar of RFC 9497: hash_to_field modulo the order, with one element.</summary>
    public void HashToScalar(ReadOnlySpan<byte> message, ReadOnlySpan<byte> tag, Span<byte> scalar)
    {
        Span<byte> uniform = stackalloc byte[WideSize];
        ExpandMessage(message, tag, uniform);
        Read(_t1, uniform);
        Check(LibCrypto.Reduce(_t1, _t1, _order, _context));
        Check(LibCrypto.Write(_t1, ref MemoryMarshal.GetReference(scalar), ScalarSize));
        CryptographicOperations.ZeroMemory(uniform);
    }

    /// <summary>A uniform scalar other than 0.</summary>
    public void RandomScalar(Span<byte> scalar)
    {
        // By rejection: one try in 2^32 fails.
        do
        {
            RandomNumberGenerator.Fill(scalar[..ScalarSize]);
        } while (!IsScalar(scalar));
    }

    /// <summary>Whether the bytes are a scalar other than 0.</summary>
    public bool IsScalar(ReadOnlySpan<byte> scalar)
    {
        Read(_scalar, scalar[..ScalarSize]);
        return LibCrypto.IsZero(_scalar) == 0 && LibCrypto.Compare(_scalar, _order) < 0;
    }

    /// <summary>Multiplies the current point.</summary>
    public void Multiply(ReadOnlySpan<byte> scalar)
    {
        Read(_scalar, scalar[..ScalarSize]);
        Check(LibCrypto.MultiplyPoint(_group, _result, 0, _result, _scalar, _context));
    }

    /// <summary>Multiplies the current point by the inverse of a scalar.</summary>
    public void Divide(ReadOnlySpan<byte> scalar)
    {
        Read(_scalar, scalar[..ScalarSize]);
        if (LibCrypto.Invert(_scalar, _scalar, _order, _context) == 0)
        {
            throw new CryptographicException("The scalar has no inverse.");
        }

        Check(LibCrypto.MultiplyPoint(_group, _result, 0, _result, _scalar, _context));
    }

    /// <summary>Makes a compressed point the current one; false when it is none.</summary>
    public bool TryRead(ReadOnlySpan<byte> point)
    {
        if (
            point.Length == PointSize
            && point[0] is 2 or 3
            && LibCrypto.ReadPoint(_group, _result, ref MemoryMarshal.GetReference(point), PointSize, _context) == 1
        )
        {
            return LibCrypto.IsInfinity(_group, _result) == 0;
        }

        LibCrypto.ClearErrors();
        return false;
    }

    /// <summary>The current point, compressed.</summary>
    public void Write(Span<byte> point)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(point.Length, PointSize);
        var written = LibCrypto.WritePoint(
            _group,
            _result,
            LibCrypto.Compressed,
            ref MemoryMarshal.GetReference(point),
            PointSize,
            _context
        );
        Check(written == PointSize ? 1 : 0);
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _numbers.ForEach(LibCrypto.FreeNumber);
        LibCrypto.FreePoint(_result);
        LibCrypto.FreePoint(_other);
        LibCrypto.FreeGroup(_group);
        LibCrypto.FreeContext(_context);
    }

    /// <summary>expand_message_xmd of RFC 9380 (5.3.1) with SHA-256.</summary>
    internal static void ExpandMessage(ReadOnlySpan<byte> message, ReadOnlySpan<byte> tag, Span<byte> uniform)
    {
        const int Block = 64;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> first = stackalloc byte[Sha256.Size];
        Span<byte> block = stackalloc byte[Sha256.Size];
        Span<byte> padding = stackalloc byte[Block];
        padding.Clear();
        hash.AppendData(padding);
        hash.AppendData(message);
        hash.AppendData([(byte)(uniform.Length >> 8), (byte)uniform.Length, 0]);
        hash.AppendData(tag);
        hash.AppendData([(byte)tag.Length]);
        hash.GetHashAndReset(first);
        block.Clear();
        byte number = 1;
        for (var at = 0; at < uniform.Length; at += Sha256.Size, number++)
        {
            for (var i = 0; i < block.Length; i++)
            {
                block[i] ^= first[i];
            }

            hash.AppendData(block);
            hash.AppendData([number]);
            hash.AppendData(tag);
            hash.AppendData([(byte)tag.Length]);
            hash.GetHashAndReset(block);
            block[..Math.Min(block.Length, uniform.Length - at)].CopyTo(uniform[at..]);
        }
    }

    /// <summary>The simplified SWU map, in the order of steps of RFC 9380, F.2.</summary>
    private void MapToPoint(ReadOnlySpan<byte> uniform, nint point)
    {
        Read(_u, uniform);
        Check(LibCrypto.Reduce(_u, _u, _p, _context));
        Square(_t1, _u);
        Multiply(_t1, _z, _t1);
        Square(_t2, _t1);
        Add(_t2, _t2, _t1);
        Add(_t3, _t2, _one);
        Multiply(_t3, _b, _t3);
        if (LibCrypto.IsZero(_t2) == 1)
        {
            _ = LibCrypto.Copy(_t4, _z);
        }
        else
        {
            Check(LibCrypto.Subtract(_t4, _zero, _t2, _p, _context));
        }

        Multiply(_t4, _a, _t4);
        Square(_t2, _t3);
        Square(_t6, _t4);
        Multiply(_t5, _a, _t6);
        Add(_t2, _t2, _t5);
        Multiply(_t2, _t2, _t3);
        Multiply(_t6, _t6, _t4);
        Multiply(_t5, _b, _t6);
        Add(_t2, _t2, _t5);
        Multiply(_x, _t1, _t3);
        var isSquare = RootOfRatio(_t2, _t6);
        if (isSquare)
        {
            _ = LibCrypto.Copy(_x, _t3);
            _ = LibCrypto.Copy(_y, _root);
        }
        else
        {
            Multiply(_y, _t1, _u);
            Multiply(_y, _y, _root);
        }

        if (LibCrypto.IsOdd(_u) != LibCrypto.IsOdd(_y))
        {
            Check(LibCrypto.Subtract(_y, _zero, _y, _p, _context));
        }

        if (LibCrypto.Invert(_t4, _t4, _p, _context) == 0)
        {
            throw new CryptographicException("The map of RFC 9380 divides by zero.");
        }

        Multiply(_x, _x, _t4);
        Check(LibCrypto.SetPoint(_group, point, _x, _y, _context));
    }

    /// <summary>sqrt_ratio for p = 3 modulo 4 (RFC 9380, F.2.1.2); the root is in <c>_root</c>.</summary>
    private bool RootOfRatio(nint u, nint v)
    {
        // _t5 and _y are free here.
        Square(_t5, v);
        Multiply(_y, u, v);
        Multiply(_t5, _t5, _y);
        Check(LibCrypto.Power(_root, _t5, _rootExponent, _p, _context));
        Multiply(_root, _root, _y);
        Square(_t5, _root);
        Multiply(_t5, _t5, v);
        if (LibCrypto.Compare(_t5, u) == 0)
        {
            return true;
        }

        Multiply(_root, _root, _rootOfMinusZ);
        return false;
    }

    private void Add(nint result, nint a, nint b) => Check(LibCrypto.Add(result, a, b, _p, _context));

    private void Multiply(nint result, nint a, nint b) => Check(LibCrypto.Multiply(result, a, b, _p, _context));

    private void Square(nint result, nint a) => Check(LibCrypto.Square(result, a, _p, _context));

    private static void Read(nint number, ReadOnlySpan<byte> bytes) =>
        Check(LibCrypto.Read(ref MemoryMarshal.GetReference(bytes), bytes.Length, number) == 0 ? 0 : 1);

    private nint Number()
    {
        var number = LibCrypto.NewNumber();
        _numbers.Add(number);
        return number;
    }

    private static void Check(int result)
    {
        if (result != 1 && result != ScalarSize)
        {
            LibCrypto.ClearErrors();
            throw new CryptographicException("libcrypto could not compute on P-256.");
        }
    }
}
