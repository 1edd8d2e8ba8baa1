#!/usr/bin/env node
// What a human types. This file names the commands and their options; what a command does is loaded when it is asked for.
import { existsSync, readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { ExitCode } from '../config/exit-code.js';
import type { CheckFlags } from './check.js';
import { addCommands, commandNames } from './commands.js';
import { complain, isBrokenPipe, outcomeOf, say } from './complain.js';
import type { DiffFlags } from './diff.js';
import type { DoctorFlags } from './doctor.js';
import type { ImportFlags } from './import.js';
import type { StartFlags } from './start.js';
import type { SystemdFlags } from './systemd.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

// Everything after the first `--` is the script's own, whatever it looks like.
const [own, theirs] = splitAt(process.argv.slice(2), '--');

const collect = (value: string, before: string[] = []): string[] => [...before, value];

const program = new Command('cordon')
  .description('Runs a Node.js server as a fleet of workers in which a failing request costs nobody else anything.')
  .version(version, '-V, --version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .helpCommand(false)
  .exitOverride()
  .configureOutput({ writeErr: () => undefined })
  .addHelpText('after', '\nExample:\n  $ cordon start server.js --workers 2\n\n`cordon <command> --help` tells more.');

program
  .command('start')
  .summary('run a server as a fleet, in the foreground')
  .description(
    'Runs a server as a fleet of workers, in the foreground; of a configuration with several apps, a fleet for each. The process that you start is the supervisor.',
  )
  .usage('[options] <script or config file> [-- args...]')
  .argument('[target]', 'a script, or a configuration (default: the cordon.config.* of this folder)')
  .option('-n, --name <name>', "what logs and commands call the fleet (default: the script's file name)")
  .option('-w, --workers <number>', 'n, max, max-1 or 50% (default: WEB_CONCURRENCY, else one for each core)')
  .option('-c, --config <file>', 'a configuration; flags win over it')
  .option('-p, --port <port>', 'PORT in the environment of the workers')
  .option('--listen <address>', 'bind host:port, :port or a unix path before any worker starts (repeatable)', collect)
  .option('-e, --env <KEY=VALUE>', 'a variable in the environment of the workers (repeatable)', collect)
  .option(
    '--env-file <file>',
    'variables for the workers, in the manner of dotenv (repeatable, later ones win)',
    collect,
  )
  .option('--mode <name>', 'which env.<name> of the configuration is used (default: CORDON_MODE, else NODE_ENV)')
  .option('--only <apps>', 'of a configuration that has several: api, or api,mails (default: all)')
  .option('--cwd <folder>', 'the working directory of the workers (default: where you are)')
  .option('--node-args <options>', 'options of node for the workers, separated by spaces (repeatable)', collect)
  .option('--ready <when>', 'a worker is ready when it is listening, sent a message, or on start (default: listening)')
  .option('--ready-timeout <time>', 'how long a worker may take to become ready (default: 30s)')
  .option('--kill-timeout <time>', 'how long a failed worker may take to finish its other requests (default: 30s)')
  .option('--stop-timeout <time>', 'how long a graceful stop may take (default: 30s)')
  .option('--max-memory <size>', 'a worker that holds more, such as 512MB, is replaced (default: no limit)')
  .option('--max-requests <number>', 'a worker that has served so many is replaced (default: no limit)')
  .option('--max-lifetime <time>', 'a worker that has served for so long is replaced (default: no limit)')
  .option('--watch', 'for development: reload when a file of the program changes; Ctrl-C stops at once')
  .option('--watch-path <path>', 'as --watch, and this file or folder counts as well (repeatable)', collect)
  .option('--daemon', 'in the background; returns when the fleet is ready, or with the reason why not')
  .option('--log-format <format>', 'auto, pretty or json (default: auto)')
  .option('--log-level <level>', "of cordon's own lines: trace, debug, info, warn, error or fatal (default: info)")
  .addHelpText(
    'after',
    `
Times have a unit: 500ms, 30s, 2m, 1h. Flags win over the environment
(CORDON_WORKERS, CORDON_KILL_TIMEOUT, ...), which wins over the configuration.

Examples:
  $ cordon start server.js --workers 2 --port 3000
  $ cordon start server.js --kill-timeout 10s -- --verbose
  $ cordon start cordon.config.mjs

Exit codes: 0 stopped, 64 wrong usage, 70 a bug in cordon, 78 bad configuration.`,
  )
  .action(async (target: string | undefined, flags: StartFlags) => {
    const { start, startInBackground } = await import('./start.js');
    const line = { target, args: theirs, flags };
    process.exitCode = await (flags.daemon
      ? startInBackground(line, [...own.filter((word) => word !== '--daemon'), ...process.argv.slice(2 + own.length)])
      : start(line, { version }));
  });

program
  .command('check')
  .summary('say everything that is wrong with a configuration')
  .description(
    'Says everything that is wrong with a configuration, each with its place, or that nothing is. It starts nothing.',
  )
  .argument('[config]', 'a configuration (default: the one of this folder)')
  .option('--mode <name>', 'which env.<name> is used (default: CORDON_MODE, else NODE_ENV)')
  .option('--json', 'as one JSON document')
  .addHelpText(
    'after',
    '\nExample:\n  $ cordon check cordon.config.mjs\n\nExit codes: 0 nothing is wrong, 64 no configuration, 78 something is wrong.',
  )
  .action(async (file: string | undefined, flags: CheckFlags) => {
    const { check } = await import('./check.js');
    process.exitCode = await check(file, flags);
  });

program
  .command('diff')
  .summary('say what a reload would do, or how two configurations differ')
  .description(
    'Says what a reload would do to what runs, key by key: what changes at once, by a reload, or by a restart. With two configurations, it compares these. It changes nothing.',
  )
  .argument('[config]', 'what is compared with what runs (default: its own file)')
  .argument('[after]', 'a second configuration, to be compared with the first')
  .option('--mode <name>', 'which env.<name> is used (default: CORDON_MODE, else NODE_ENV)')
  .option('--json', 'as one JSON document')
  .addHelpText(
    'after',
    '\nExamples:\n  $ cordon diff\n  $ cordon diff next.config.mjs\n  $ cordon diff old.config.mjs cordon.config.mjs\n\nExit codes: 0 compared, 69 nothing runs, 78 bad configuration.',
  )
  .action(async (before: string | undefined, after: string | undefined, flags: DiffFlags) => {
    const { diff } = await import('./diff.js');
    process.exitCode = await diff(before, after, flags);
  });

program
  .command('init')
  .summary('write a first configuration, every key explained')
  .description('Writes a first configuration, every key explained. It overwrites nothing.')
  .argument('[file]', 'a .mjs, .js, .cjs, .mts, .ts, .yaml or .yml (default: cordon.config.mjs)')
  .addHelpText('after', '\nExample:\n  $ cordon init')
  .action(async (file: string | undefined) => {
    const { init } = await import('./init.js');
    process.exitCode = init(file);
  });

program
  .command('import')
  .summary("turn pm2's ecosystem file, or its dump, into a configuration")
  .description(
    "Turns pm2's ecosystem file, or ~/.pm2/dump.pm2, into a configuration, and says what is not taken over and why.",
  )
  .argument('[file]', "pm2's file (default: the ecosystem.config.* of this folder)")
  .option('-o, --output <file>', 'a new .mjs, .json, .yaml or .yml to write (default: .mjs on stdout)')
  .addHelpText(
    'after',
    `
Example:
  $ cordon import ecosystem.config.cjs -o cordon.config.mjs

Exit codes: 0 taken over, 1 some apps cannot be run and are left out,
78 none can.`,
  )
  .action(async (file: string | undefined, flags: ImportFlags) => {
    const { importFrom } = await import('./import.js');
    process.exitCode = await importFrom(file, flags);
  });

program
  .command('doctor')
  .summary('what may go wrong on this machine, and what to do')
  .description('Looks at this machine as a server will find it, and says what each finding means and what to do.')
  .option('--json', 'one JSON document')
  .option('--proxy-keepalive <time>', 'how long the proxy in front keeps idle connections, such as 75s')
  .option('--keepalive <time>', "the server's own keepAliveTimeout (default: Node's)")
  .addHelpText(
    'after',
    `
Examples:
  $ cordon doctor
  $ cordon doctor --proxy-keepalive 60s --keepalive 65s

Exit codes: 0 nothing stands in the way, 1 something does.`,
  )
  .action(async (flags: DoctorFlags) => {
    const { doctor } = await import('./doctor.js');
    process.exitCode = doctor(flags);
  });

program
  .command('systemd')
  .summary('units that run a fleet as a service of systemd')
  .description('Writes the units that run a fleet as a service of systemd: shows them, installs them, removes them.')
  .argument('<what>', 'print, install or uninstall')
  .argument('[target]', 'a script or a configuration, as for start; for uninstall the name of the service')
  .option('-n, --name <name>', 'what the service is called (default: the name of the fleet)')
  .option(
    '--listen <address>',
    'an address for the socket unit, besides those of the configuration (repeatable)',
    collect,
  )
  .option('--mode <name>', 'which env.<name> of the configuration is used')
  .option('--only <app>', 'the app to run, of a configuration that has several')
  .option('--run-as <user[:group]>', 'the user of the service (default: one that systemd makes for it)')
  .option('--user', 'a service of your own, for systemctl --user')
  .option('--template', 'cordon@.service, whose instance <name> runs the configuration in /srv/<name>')
  .option('--for-systemd <version>', 'the version it will meet (default: the one that is installed)')
  .option('--now', 'with install: enable and start it, too')
  .addHelpText(
    'after',
    `
Examples:
  $ cordon systemd print server.js --listen :3000
  $ cordon systemd install cordon.config.mjs --now

Exit codes: 0, 1 systemctl failed, 64 wrong usage, 69 no such service, 73 a\nforeign unit, 77 permission, 78 bad configuration.`,
  )
  .action(async (what: string, target: string | undefined, flags: SystemdFlags) => {
    const { systemd } = await import('./systemd.js');
    process.exitCode = await systemd(what, target, flags);
  });

await addCommands(
  program,
  own.find((word) => !word.startsWith('-')),
);

// The supervisor lives in this process: what nobody caught in it is a bug of ours, and says so.
process.on('uncaughtException', (error) => {
  if (isBrokenPipe(error)) return;
  complain(error, version);
  process.exit(outcomeOf(error));
});

try {
  if (own.length === 0) program.help({ error: true });
  await program.parseAsync(own, { from: 'user' });
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = misused(error);
  else {
    complain(error, version);
    process.exitCode = outcomeOf(error);
    // Nobody knows what a bug has left open; a supervisor that hangs would look as if it served.
    if (process.exitCode === ExitCode.internal) process.exit();
  }
}

/** The parser's own words, as one sentence and with our exit code. */
function misused(error: CommanderError): ExitCode {
  if (error.exitCode === 0) return ExitCode.ok;
  if (error.code === 'commander.help')
    say(`expected a command, such as \`cordon start server.js\`; \`cordon --help\` lists them`, 'error');
  else say(usageSentence(error), 'error');
  return ExitCode.usage;
}

function usageSentence({ code, message }: CommanderError): string {
  const words = message
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*)\?\)$/s, ', did you mean $1?')
    .replace(/\s*\n\s*/g, ' ');
  const [command = ''] = own;
  if (code === 'commander.unknownCommand' && (existsSync(command) || /\.(?:[cm]?[jt]s|json)$/.test(command))) {
    return `unknown command '${command}'; to run it: \`cordon start ${command}\``;
  }
  if (code === 'commander.excessArguments' && command === 'start')
    return "one script or configuration at a time; the script's own arguments go after `--`";
  const known = commandNames().includes(command) ? command : 'start';
  return words.endsWith('?') ? words : `${words}; \`cordon ${known} --help\` lists the options`;
}

function splitAt(words: readonly string[], at: string): [before: string[], after: string[]] {
  const where = words.indexOf(at);
  return where < 0 ? [[...words], []] : [words.slice(0, where), words.slice(where + 1)];
}
