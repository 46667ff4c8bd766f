using Mayfly.Client.Secrets;

namespace Mayfly.Agent.Rendering;

/// <summary>
/// Which versions of secrets are in use: rendered, and taken up by whom the output is for. A version is acknowledged when no
/// template is left whose last good output holds another one, so a rotation that waits for the agent waits for the slowest of
/// them. Safe for concurrent use.
/// </summary>
internal sealed class UsedVersions
{
    private readonly Lock _gate = new();
    private readonly List<Of> _templates = [];

    /// <summary>One more template.</summary>
    /// <param name="waitsForProgram">Its output is taken up when the program of <c>exec</c> is started, not when it is rendered.</param>
    public Of Add(bool waitsForProgram)
    {
        var template = new Of(this, waitsForProgram);
        _templates.Add(template);
        return template;
    }

    /// <summary>What is rendered at this moment; to be called when the program of <c>exec</c> has been started with it.</summary>
    public Action AtStart()
    {
        lock (_gate)
        {
            var taken = _templates
                .Where(template => template.WaitsForProgram)
                .Select(template => (template, template.Output, template.Made))
                .ToList();
            return () =>
            {
                lock (_gate)
                {
                    foreach (var (template, output, made) in taken)
                    {
                        template.Running = output;
                        // The same output may have been made of newer versions meanwhile.
                        template.Use(template.Output == output ? template.Made : made);
                    }
                }
            };
        }
    }

    private void Acknowledge(LiveSecret secret, SecretValue value)
    {
        foreach (var template in _templates)
        {
            if (template.InUse.TryGetValue(secret, out var other) && !ReferenceEquals(other, value))
            {
                return;
            }
        }

        secret.Acknowledge(value);
    }

    /// <summary>Of one template. Guarded by the owner's gate.</summary>
    internal sealed class Of(UsedVersions owner, bool waitsForProgram)
    {
        public bool WaitsForProgram => waitsForProgram;

        /// <summary>Counts the outputs.</summary>
        internal int Output { get; private set; }

        /// <summary>The output that the program was started with.</summary>
        internal int Running { get; set; }

        /// <summary>What the last output was made of.</summary>
        internal Dictionary<LiveSecret, SecretValue> Made { get; private set; } = [];

        internal Dictionary<LiveSecret, SecretValue> InUse { get; private set; } = [];

        /// <summary>There is another output than before; what it was made of is told by <see cref="Rendered"/>.</summary>
        public void Begin()
        {
            lock (owner._gate)
            {
                Output++;
                // Who is started from here on has it, and nobody knows yet of what: it counts when that is told.
                Made = InUse;
            }
        }

        /// <summary>The output is there, all that had to follow it has been done, and it was made of these.</summary>
        public void Rendered(IEnumerable<(LiveSecret Secret, SecretValue Value)> values)
        {
            lock (owner._gate)
            {
                Made = values.ToDictionary(each => each.Secret, each => each.Value);
                if (!waitsForProgram || Running == Output)
                {
                    Use(Made);
                }
            }
        }

        internal void Use(Dictionary<LiveSecret, SecretValue> values)
        {
            InUse = values;
            foreach (var (secret, value) in values)
            {
                owner.Acknowledge(secret, value);
            }
        }
    }
}
