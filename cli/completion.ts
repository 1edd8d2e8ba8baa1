// `cordon completion`: a script for the shell, which asks `cordon __complete` for every word. What is there to be chosen is asked of
// the running fleets, so that names and workers complete as well.
import type { Command } from 'commander';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import type { StatusReply } from '../supervisor/control/protocol.js';
import { get } from './client.js';
import { running } from './find.js';

const scripts: Readonly<Record<string, string>> = {
  bash: `_cordon() {
  local IFS=$'\\n'
  COMPREPLY=($(cordon __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [ \${#COMPREPLY[@]} -gt 0 ] || compopt -o default
}
complete -F _cordon cordon`,
  zsh: `#compdef cordon
_cordon() {
  local -a found
  found=("\${(@f)$(cordon __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found[1]" ]]; then compadd -- $found; else _files; fi
}
compdef _cordon cordon`,
  fish: `complete -c cordon -f -n 'not __fish_seen_subcommand_from start' -a '(cordon __complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
complete -c cordon -F -n '__fish_seen_subcommand_from start'`,
};

export const define = (command: Command): void =>
  void command
    .description('Prints a completion script: commands, options, the names of fleets and the ids of workers.')
    .argument('<shell>', Object.keys(scripts).join(', '))
    .addHelpText(
      'after',
      `
Examples:
  $ source <(cordon completion bash)   # in ~/.bashrc
  $ source <(cordon completion zsh)    # in ~/.zshrc, after compinit
  $ cordon completion fish > ~/.config/fish/completions/cordon.fish`,
    )
    .action((shell: string) => {
      const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
      if (script === undefined)
        throw new OperatorError(`expected bash, zsh or fish, got ${JSON.stringify(shell)}`, ExitCode.usage);
      process.stdout.write(`${script}\n`);
    });

/** What may stand where the last of `words` begins, one to a line. */
export async function candidates(words: readonly string[], program: Command): Promise<string[]> {
  const begun = words.at(-1) ?? '';
  const [name] = words;
  const command = program.commands.find((one) => one.name() === name || one.aliases().includes(name ?? ''));
  const all = words.length < 2 ? namesOf(program) : command ? await within(command, words) : [];
  return all.filter((word) => word.startsWith(begun)).toSorted();
}

const namesOf = (program: Command): string[] =>
  program
    .createHelp()
    .visibleCommands(program)
    .flatMap((command) => [command.name(), ...command.aliases()]);

async function within(command: Command, words: readonly string[]): Promise<string[]> {
  if (words.at(-1)?.startsWith('-'))
    return command
      .createHelp()
      .visibleOptions(command)
      .flatMap(({ long }) => long ?? []);
  switch (command.name()) {
    case 'start':
      return [];
    case 'completion':
      return Object.keys(scripts);
    case 'errors':
      return ['show', 'resolve', ...(await fleets())];
    case 'drain':
    case 'describe':
    case 'inspect':
    case 'profile':
      return [...(await fleets()), ...(await workers())];
    default:
      return fleets();
  }
}

const fleets = async (): Promise<string[]> => (await running()).map(({ name }) => name);

async function workers(): Promise<string[]> {
  const all = await running();
  const replies = await Promise.all(all.map((one) => get<StatusReply>(one, '/v1/status').catch(() => undefined)));
  return replies.flatMap((reply) => reply?.workers.map(({ id }) => String(id)) ?? []);
}
