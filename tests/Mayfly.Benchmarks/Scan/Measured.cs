using System.Diagnostics;
using System.Globalization;

namespace Mayfly.Benchmarks.Scan;

/// <summary>The best of several runs: the shortest time by the clock, and the least time of all processors together.</summary>
internal sealed class Measured
{
    // What the kernel counts in: a hundredth of a second.
    private const double Tick = 0.01;

    /// <summary>In seconds.</summary>
    public double Wall { get; private set; } = double.MaxValue;

    /// <summary>In seconds.</summary>
    public double Processor { get; private set; } = double.MaxValue;

    /// <summary>Runs what uses the time of this process.</summary>
    public void Run(Action work) => Run(work, () => Environment.CpuUsage.TotalTime.TotalSeconds);

    /// <summary>Runs what starts another process and waits for it.</summary>
    public void RunChild(Action work) => Run(work, ChildrensTime);

    private void Run(Action work, Func<double> processor)
    {
        var spent = processor();
        var start = Stopwatch.GetTimestamp();
        work();
        Wall = Math.Min(Wall, Stopwatch.GetElapsedTime(start).TotalSeconds);
        Processor = Math.Min(Processor, Math.Max(processor() - spent, Tick));
    }

    /// <summary>Of children that have ended: the fields cutime and cstime of proc(5).</summary>
    private static double ChildrensTime()
    {
        var text = File.ReadAllText("/proc/self/stat");
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return (Number(fields[13]) + Number(fields[14])) * Tick;

        static long Number(string field) => long.Parse(field, CultureInfo.InvariantCulture);
    }
}
