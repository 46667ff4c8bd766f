using System.Collections.Concurrent;
using System.Text;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Policy;

/// <summary>
/// The named policies, and the compiled <see cref="Acl"/> of each set of names. Everything that was derived lives in one
/// generation, which a change replaces whole: what is read from an old one can be old, but is never stored in a new one.
/// Safe for concurrent use.
/// </summary>
internal sealed class PolicyStore(View view)
{
    /// <summary>Sets of names are few; a caller that makes many must not fill the memory.</summary>
    private const int AclLimit = 16_384;

    private readonly Lock _changing = new();
    private volatile Generation _current = new([]);

    /// <summary>The policy, or null. Letter case does not matter.</summary>
    /// <exception cref="StoreCorruptException">A stored policy cannot be read. Leaving it out could drop a denial.</exception>
    public ValueTask<PolicyDocument?> GetAsync(string name, CancellationToken cancellation)
    {
        name = PolicyNames.Normalize(name);
        return PolicyNames.Problem(name) is null ? GetAsync(_current, name, cancellation) : new((PolicyDocument?)null);
    }

    /// <summary>Stores a policy; null, or why not.</summary>
    public async ValueTask<Fault?> PutAsync(string name, string text, CancellationToken cancellation)
    {
        name = PolicyNames.Normalize(name);
        if (PolicyNames.Problem(name) is { } problem)
        {
            return Fault.Invalid(problem);
        }

        if (name is PolicyNames.Root or PolicyNames.ResponseWrapping)
        {
            return Fault.Invalid($"cannot update \"{name}\" policy");
        }

        var (policy, error) = PolicyDocument.Parse(name, text);
        if (policy is null)
        {
            return Fault.Invalid($"failed to parse policy: {error}");
        }

        return await CommitAsync(name, view.PutAsync(name, Encoding.UTF8.GetBytes(text), cancellation));
    }

    /// <summary>Deletes a policy, if it is there; null, or why not.</summary>
    public async ValueTask<Fault?> DeleteAsync(string name, CancellationToken cancellation)
    {
        name = PolicyNames.Normalize(name);
        if (PolicyNames.Problem(name) is { } problem)
        {
            return Fault.Invalid(problem);
        }

        if (name is PolicyNames.Root or PolicyNames.Default or PolicyNames.ResponseWrapping)
        {
            return Fault.Invalid($"cannot delete \"{name}\" policy");
        }

        return await CommitAsync(name, view.DeleteAsync(name, cancellation));
    }

    /// <summary>All names, sorted; <c>root</c> stands last, as in Vault.</summary>
    public async ValueTask<IReadOnlyList<string>> ListAsync(CancellationToken cancellation)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal) { PolicyNames.Default };
        var folders = new Stack<string>([""]);
        while (folders.TryPop(out var folder))
        {
            foreach (var child in await view.ListAsync(folder, cancellation))
            {
                if (child.EndsWith('/'))
                {
                    folders.Push(folder + child);
                }
                else
                {
                    names.Add(folder + child);
                }
            }
        }

        return [.. names, PolicyNames.Root];
    }

    /// <summary>
    /// What a token with these policies may do. Names that do not exist contribute nothing. Completes synchronously, and
    /// without allocating, once the set is known.
    /// </summary>
    /// <param name="names">In lower case, in any order but the same each time. Must not change while it is in use.</param>
    /// <param name="cancellation">Ends waiting for the store.</param>
    /// <exception cref="StoreCorruptException">A stored policy cannot be read. Leaving it out could drop a denial.</exception>
    public ValueTask<Acl> AclForAsync(IReadOnlyList<string> names, CancellationToken cancellation)
    {
        var generation = _current;
        return generation.Acls.TryGetValue(names, out var known)
            ? new ValueTask<Acl>(known)
            : CompileAsync(generation, names, cancellation);
    }

    /// <summary>Reads everything anew from now on. For changes that were not made through this object.</summary>
    public void Forget()
    {
        lock (_changing)
        {
            _current = new Generation([]);
        }
    }

    /// <summary>However the commit ends, what is remembered of that name may no longer be true.</summary>
    private async ValueTask<Fault?> CommitAsync(string name, ValueTask<CommitResult> commit)
    {
        try
        {
            var result = await commit;
            return result.Succeeded ? null : Fault.From(result);
        }
        finally
        {
            Forget(name);
        }
    }

    private void Forget(string name)
    {
        lock (_changing)
        {
            var kept = new ConcurrentDictionary<string, PolicyDocument?>(_current.Policies, StringComparer.Ordinal);
            kept.TryRemove(name, out _);
            _current = new Generation(kept);
        }
    }

    private async ValueTask<Acl> CompileAsync(
        Generation generation,
        IReadOnlyList<string> names,
        CancellationToken cancellation
    )
    {
        var policies = new List<PolicyDocument>(names.Count);
        foreach (var name in names)
        {
            if (PolicyNames.Problem(name) is null && await GetAsync(generation, name, cancellation) is { } policy)
            {
                policies.Add(policy);
            }
        }

        var acl = Acl.Compile(policies);
        if (generation.Acls.Count >= AclLimit)
        {
            generation.Acls.Clear();
        }

        generation.Acls[[.. names]] = acl;
        return acl;
    }

    private async ValueTask<PolicyDocument?> GetAsync(
        Generation generation,
        string name,
        CancellationToken cancellation
    )
    {
        switch (name)
        {
            case PolicyNames.Root:
                return BuiltInPolicies.Root;
            case PolicyNames.ResponseWrapping:
                return BuiltInPolicies.ResponseWrapping;
            default:
                break;
        }

        if (generation.Policies.TryGetValue(name, out var known))
        {
            return known;
        }

        PolicyDocument? policy = null;
        using (var entry = await view.GetAsync(name, cancellation))
        {
            if (entry is not null)
            {
                (policy, var error) = PolicyDocument.Parse(name, Encoding.UTF8.GetString(entry.Value.Span));
                if (policy is null)
                {
                    throw new StoreCorruptException($"The stored policy {name} does not parse: {error}");
                }
            }
        }

        policy ??= name == PolicyNames.Default ? BuiltInPolicies.Default : null;

        // Names that are not there are not remembered: a caller could make up any number of them.
        if (policy is not null)
        {
            generation.Policies[name] = policy;
        }

        return policy;
    }

    private sealed class Generation(ConcurrentDictionary<string, PolicyDocument?> policies)
    {
        public ConcurrentDictionary<string, PolicyDocument?> Policies { get; } = policies;

        public ConcurrentDictionary<IReadOnlyList<string>, Acl> Acls { get; } = new(NameSetComparer.Instance);
    }

    /// <summary>Compares lists of names by what is in them, in order.</summary>
    private sealed class NameSetComparer : IEqualityComparer<IReadOnlyList<string>>
    {
        public static readonly NameSetComparer Instance = new();

        public bool Equals(IReadOnlyList<string>? x, IReadOnlyList<string>? y)
        {
            if (ReferenceEquals(x, y))
            {
                return true;
            }

            if (x is null || y is null || x.Count != y.Count)
            {
                return false;
            }

            for (var i = 0; i < x.Count; i++)
            {
                if (x[i] != y[i])
                {
                    return false;
                }
            }

            return true;
        }

        public int GetHashCode(IReadOnlyList<string> obj)
        {
            var hash = default(HashCode);
            for (var i = 0; i < obj.Count; i++)
            {
                hash.Add(obj[i]);
            }

            return hash.ToHashCode();
        }
    }
}
