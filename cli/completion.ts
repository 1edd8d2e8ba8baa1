// `cordon completion`: a script for the shell, which asks `cordon __complete` for every word. What is there to be chosen is asked of
// the running fleets, so that names and workers complete as well.
import type { Command, Option } from 'commander';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import type { ErrorsReply, StatusReply } from '../supervisor/control/protocol.js';
import { LEVELS } from '../supervisor/logs/fields.js';
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
    .description(
      'Prints a completion script: commands, options, the names of fleets, the ids of workers and of incidents.',
    )
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
  const all: readonly string[] = words.length < 2 ? namesOf(program) : command ? await within(command, words) : [];
  return all.filter((word) => word.startsWith(begun)).toSorted();
}

const namesOf = (program: Command): string[] =>
  program
    .createHelp()
    .visibleCommands(program)
    .flatMap((command) => [command.name(), ...command.aliases()]);

/** What an option may be; of others that take a value, a file is as good a guess as any. */
const VALUES: Readonly<Record<string, () => readonly string[] | Promise<readonly string[]>>> = {
  '--level': () => LEVELS,
  '--log-level': () => LEVELS,
  '--log-format': () => ['auto', 'pretty', 'json'],
  '--ready': () => ['listening', 'message', 'start'],
  '--worker': () => workers(undefined),
};

/** Nothing where the shell is to offer files. */
async function within(command: Command, words: readonly string[]): Promise<readonly string[]> {
  if (words.at(-1)?.startsWith('-'))
    return command
      .createHelp()
      .visibleOptions(command)
      .flatMap(({ long }) => long ?? []);
  const given: string[] = [];
  let option: Option | undefined;
  for (const word of words.slice(1, -1)) {
    if (word.startsWith('-'))
      option = command.options.find((one) => [one.short, one.long].includes(word) && (one.required || one.optional));
    else if (option) option = undefined;
    else given.push(word);
  }
  if (option) return (await VALUES[option.long ?? '']?.()) ?? [];
  const [first] = given;
  switch (command.name()) {
    case 'start':
    case 'check':
    case 'diff':
    case 'init':
    case 'import':
    case 'doctor':
      return [];
    case 'systemd':
      return first === undefined ? ['print', 'install', 'uninstall'] : [];
    case 'completion':
      return Object.keys(scripts);
    case 'errors':
      if (first === undefined) return ['show', 'resolve', ...(await fleets())];
      return given.length === 1 ? incidents() : fleets();
    case 'maint':
      return ['on', 'off', ...(await fleets())];
    case 'drain':
    case 'describe':
    case 'inspect':
    case 'profile':
      return first === undefined ? [...(await fleets()), ...(await workers(undefined))] : workers(first);
    default:
      return fleets();
  }
}

const fleets = async (): Promise<string[]> => (await running()).map(({ name }) => name);

/** Of one fleet, or of all. */
async function workers(name: string | undefined): Promise<string[]> {
  const replies = await askAll<StatusReply>('/v1/status', name);
  return replies.flatMap((reply) => reply.workers.map(({ id }) => String(id)));
}

async function incidents(): Promise<string[]> {
  const replies = await askAll<ErrorsReply>('/v1/errors?lines=100', undefined);
  return replies.flatMap((reply) => reply.incidents.map(({ id }) => id));
}

/** Who does not answer offers nothing. */
async function askAll<Reply>(path: string, name: string | undefined): Promise<Reply[]> {
  const asked = (await running()).filter((one) => name === undefined || one.name === name);
  const replies = await Promise.all(asked.map((one) => get<Reply>(one, path).catch(() => undefined)));
  return replies.flatMap((reply) => reply ?? []);
}
