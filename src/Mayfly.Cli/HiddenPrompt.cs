using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Mayfly.Cli;

/// <summary>Reads a line from the terminal without showing it.</summary>
/// <remarks>
/// <c>Console.ReadKey(intercept: true)</c> is not enough: it turns echo off for each key and on again in between, so
/// part of what is pasted would show. Here echo is off from before the prompt until the line has ended. Nothing of
/// <c>Console</c> is used meanwhile: it would set the terminal up for its own purposes.
/// </remarks>
internal static class HiddenPrompt
{
    private const int Input = 0;
    private const int ErrorOutput = 2;
    private const int InterruptedExit = 130;

    /// <summary>The line, or null when the input ended.</summary>
    public static string? Ask(string prompt)
    {
        // What was typed before the prompt has been shown by the terminal already; it is dropped.
        var settings = new byte[TerminalSettingsSize];
        var known = OperatingSystem.IsLinux() && GetSettings(Input, settings) == 0;
        if (!known)
        {
            return AskByKeys(prompt);
        }

        using var interrupt = PosixSignalRegistration.Create(
            PosixSignal.SIGINT,
            signal =>
            {
                _ = SetSettings(Input, DropPendingInput, settings);
                Environment.Exit(InterruptedExit);
            }
        );
        var silent = (byte[])settings.Clone();
        silent[LocalFlagsOffset] &= unchecked((byte)~Echo);
        _ = SetSettings(Input, DropPendingInput, silent);
        using var screen = new DescriptorStream(ErrorOutput);
        try
        {
            screen.Write(Encoding.UTF8.GetBytes(prompt));
            return ReadLine();
        }
        finally
        {
            _ = SetSettings(Input, DropPendingInput, settings);
            screen.WriteByte((byte)'\n');
        }
    }

    private static string? ReadLine()
    {
        var line = new List<byte>();
        using var input = new FileStream(new SafeFileHandle(Input, ownsHandle: false), FileAccess.Read, 0);
        while (true)
        {
            switch (input.ReadByte())
            {
                case -1:
                    return line.Count == 0 ? null : Text(line);
                case '\n':
                    return Text(line);
                case var value:
                    line.Add((byte)value);
                    break;
            }
        }
    }

    private static string Text(List<byte> line) => Encoding.UTF8.GetString([.. line]).TrimEnd('\r');

    // Where the terminal's settings have another layout.
    private static string? AskByKeys(string prompt)
    {
        Console.Error.Write(prompt);
        var typed = new StringBuilder();
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            if (key.Key == ConsoleKey.Enter)
            {
                Console.Error.WriteLine();
                return typed.ToString();
            }

            if (key.Key == ConsoleKey.Backspace)
            {
                typed.Length = Math.Max(0, typed.Length - 1);
            }
            else if (!char.IsControl(key.KeyChar))
            {
                typed.Append(key.KeyChar);
            }
        }
    }

    // struct termios of Linux: four words of flags, of which the last are the local ones. The size leaves room.
    private const int TerminalSettingsSize = 128;
    private const int LocalFlagsOffset = 12;
    private const byte Echo = 0x08;
    private const int DropPendingInput = 2;

#pragma warning disable SYSLIB1054 // The generated marshalling needs unsafe code; two calls do not.
    [DllImport("libc", EntryPoint = "tcgetattr")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetSettings(int file, byte[] settings);

    [DllImport("libc", EntryPoint = "tcsetattr")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetSettings(int file, int when, byte[] settings);
#pragma warning restore SYSLIB1054
}
