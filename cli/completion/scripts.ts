export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * What each shell reads once. At the tab key they ask the nettrace of the PATH, never one of the working directory, and
 * hand it the words as they are: nothing that was typed is evaluated.
 */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# bash completion for nettrace
_nettrace() {
  local line current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  while IFS= read -r line; do
    case "$line" in
      :files)
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current") ;;
      :hosts)
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -A hostname -- "$current") ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <(command nettrace completion answer bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _nettrace nettrace
`,
  zsh: `#compdef nettrace
_nettrace() {
  local line found=1
  local -a described
  for line in "\${(@f)$(command nettrace completion answer zsh -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    case "$line" in
      :files) _files && found=0 ;;
      :hosts) _hosts && found=0 ;;
      ?*) described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  (( $#described )) && _describe -t words nettrace described && found=0
  return found
}
if [[ "\${funcstack[1]}" = _nettrace ]]; then _nettrace "$@"; else compdef _nettrace nettrace; fi
`,
  fish: `# fish completion for nettrace
function __nettrace_answers
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    for line in (command nettrace completion answer fish -- $before[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path "$current"
            case ':hosts'
                __fish_print_hostnames
            case '*'
                printf '%s\\n' $line
        end
    end
end
complete -c nettrace -f -a '(__nettrace_answers)'
`,
};
