import type { Command } from './command.ts';
import { usageError } from './failure.ts';
import { parseArguments } from './flags.ts';
import { helpText } from './rules/help.ts';

/** Completion scripts by shell. `__complete` prints one candidate per line, or `:files` for file names. */
const scripts: Readonly<Record<string, string>> = {
  bash: `# bash completion of binnacle
_binnacle() {
  local current="\${COMP_WORDS[COMP_CWORD]}" candidate
  COMPREPLY=()
  while IFS= read -r candidate; do
    if [[ "$candidate" == ':files' ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -f -- "\${current#=}")
    else
      COMPREPLY+=("$candidate")
    fi
  done < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ \${#COMPREPLY[@]} -eq 1 && "\${COMPREPLY[0]}" == */ ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -F _binnacle binnacle
`,
  zsh: `#compdef binnacle
# zsh completion of binnacle
_binnacle() {
  local -a candidates
  candidates=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "\${candidates[1]}" == ':files' ]]; then
    _files
  elif [[ -n "\${candidates[1]}" ]]; then
    compadd -- "\${candidates[@]}"
  fi
}
compdef _binnacle binnacle
`,
  fish: `# fish completion of binnacle
function __binnacle_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l candidates ($words[1] __complete -- $words[2..-1] 2>/dev/null)
  if test "$candidates[1]" = ':files'
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $candidates
  end
end
complete -c binnacle -f -a '(__binnacle_complete)'
`,
};

const shells = Object.keys(scripts);

const flags = [{ name: 'help', short: 'h', value: null, about: 'this text' }];

export const completionCommand: Command = {
  name: 'completion',
  summary: 'print the completion script of a shell',
  flags,
  words: [shells],
  help: helpText({
    usage: [`completion ${shells.join('|')}`],
    about: `Prints a script that completes commands, flags, kinds, contexts and the names of objects, which it asks the server
for.

  bash   source <(binnacle completion bash)
  zsh    source <(binnacle completion zsh)
  fish   binnacle completion fish | source`,
    flags,
  }),
  async run(argv, { print }) {
    const { words } = parseArguments(argv, flags);
    const script = words.length === 1 ? scripts[words[0] ?? ''] : undefined;
    if (script === undefined) throw usageError(`name a shell: ${shells.join(', ')}`);
    print(script);
  },
};
