namespace Mayfly.Cli.Commands.Local;

/// <summary>The scripts only pass the words on to <c>mayfly __complete</c>, so they never grow old.</summary>
internal static class CompletionScript
{
    public static string? For(string shell) =>
        shell switch
        {
            "bash" => Bash,
            "zsh" => Zsh,
            "fish" => Fish,
            _ => null,
        };

    // Bash splits words at "=" and ":" as well; the line up to the cursor is split at white space instead.
    private const string Bash = """
        _mayfly() {
            local line="${COMP_LINE:0:COMP_POINT}" words current prefix
            read -r -a words <<< "$line"
            [[ "$line" == *" " ]] && words+=("")
            current="${words[${#words[@]}-1]}"
            prefix="${current%"${current##*[=:]}"}"
            COMPREPLY=()
            local word
            while IFS= read -r word; do
                COMPREPLY+=("${word#"$prefix"}")
            done < <(mayfly __complete "${words[@]:1}" 2>/dev/null)
            [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *[/=] ]] && compopt -o nospace
        }
        complete -o default -F _mayfly mayfly

        """;

    private const string Zsh = """
        #compdef mayfly
        _mayfly() {
            local -a found
            found=("${(@f)$(mayfly __complete "${(@)words[2,$CURRENT]}" 2>/dev/null)}")
            local -a open closed
            local word
            for word in $found; do
                if [[ "$word" == */ || "$word" == *= ]]; then open+=("$word"); else closed+=("$word"); fi
            done
            (( $#open )) && compadd -S '' -- $open
            (( $#closed )) && compadd -- $closed
            (( $#open + $#closed )) || _files
        }
        if [ "$funcstack[1]" = "_mayfly" ]; then _mayfly "$@"; else compdef _mayfly mayfly; fi

        """;

    private const string Fish = """
        function __mayfly_complete
            set -l words (commandline -opc) (commandline -ct)
            mayfly __complete $words[2..-1] 2>/dev/null
        end
        complete -c mayfly -f -a '(__mayfly_complete)'

        """;
}
