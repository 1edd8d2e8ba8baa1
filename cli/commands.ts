// The commands to a running fleet. Only the one that was typed is loaded: `status` pays for nothing that `top` needs.
import type { Command } from 'commander';

interface Entry {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly load: () => Promise<{ readonly define: (command: Command) => void }>;
}

const commands: readonly Entry[] = [
  { name: 'stop', summary: 'stop a fleet, gracefully or --now', load: () => import('./stop.js') },
  { name: 'reload', summary: 'start a new generation, a few workers at a time', load: () => import('./reload.js') },
  { name: 'restart', summary: 'replace every worker at once', load: () => import('./restart.js') },
  { name: 'scale', summary: 'run more or fewer workers', load: () => import('./scale.js') },
  { name: 'drain', summary: 'replace one worker gracefully', load: () => import('./drain.js') },
  { name: 'upgrade', summary: 'replace the supervisor itself', load: () => import('./upgrade.js') },
  {
    name: 'status',
    aliases: ['ls', 'list', 'ps'],
    summary: 'show fleets and their workers',
    load: () => import('./status.js'),
  },
  { name: 'top', summary: 'watch a fleet, full screen', load: () => import('./top.js') },
  { name: 'describe', summary: 'tell everything about a fleet or a worker', load: () => import('./describe.js') },
  { name: 'logs', summary: 'show recent log lines, and follow them', load: () => import('./logs.js') },
  { name: 'errors', summary: 'list the errors that nobody caught', load: () => import('./errors.js') },
  { name: 'events', summary: 'tell what the supervisor did and why', load: () => import('./events.js') },
  { name: 'profile', summary: "take a worker's CPU profile or heap snapshot", load: () => import('./profile.js') },
  { name: 'inspect', summary: "open a worker's inspector, and close it again", load: () => import('./inspect.js') },
  { name: 'completion', summary: 'print a completion script for a shell', load: () => import('./completion.js') },
];

export const commandNames = (): string[] => commands.flatMap(({ name, aliases = [] }) => [name, ...aliases]);

/** What a shell asks for each word that is to be completed; nobody types it. */
const COMPLETE = '__complete';

/** `asked` is the command that was typed; without it, none is loaded. */
export async function addCommands(
  program: Command,
  asked: string | undefined,
  all = asked === COMPLETE,
): Promise<void> {
  program.command(COMPLETE, { hidden: true }).action(async () => {
    const { candidates } = await import('./completion.js');
    const words = process.argv.slice(process.argv.indexOf('--') + 1);
    process.stdout.write((await candidates(words, program)).map((word) => `${word}\n`).join(''));
  });
  for (const { name, aliases = [], summary, load } of commands) {
    const command = program
      .command(name)
      .summary(summary)
      .aliases([...aliases]);
    if (!all && asked !== name && !aliases.includes(asked ?? '')) continue;
    (await load()).define(command.description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`));
  }
}
