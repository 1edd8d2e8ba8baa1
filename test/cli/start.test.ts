import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';

const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The real command, in a folder of its own that holds a server.js and what else is given. */
function cordon(
  t: ExecutionContext,
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
  nodeArgs: readonly string[] = [],
): Promise<Outcome> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-cli-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries({ 'server.js': '', ...files })) writeFileSync(join(folder, name), text);
  const { CORDON_NAME: _, FORCE_COLOR: __, ...env } = process.env;
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [...nodeArgs, main, ...args], { cwd: folder, env }, (_error, out, err) =>
      resolve({ code: child.exitCode, out, err: err.replaceAll(folder, '<folder>') }),
    );
  });
}

/** What is typed after `cordon`, the exit code, and what every such run says on stderr. */
const misuse: Record<string, readonly [args: string[], code: number, says: RegExp]> = {
  'no command': [[], 64, /expected a command, such as `cordon start server\.js`/],
  'an unknown command': [['sart', 'server.js'], 64, /unknown command 'sart', did you mean start\?/],
  'a script without a command': [
    ['server.js'],
    64,
    /unknown command 'server\.js'; to run it: `cordon start server\.js`/,
  ],
  'an unknown option': [
    ['start', 'server.js', '--wrokers', '2'],
    64,
    /unknown option '--wrokers', did you mean --workers\?/,
  ],
  'an option without its value': [
    ['start', 'server.js', '--workers'],
    64,
    /option '-w, --workers <number>' argument missing/,
  ],
  'two scripts': [['start', 'server.js', 'other.js'], 64, /one script or configuration at a time; .* go after `--`/],
  'nothing to run': [['start'], 64, /nothing to run: name a script/],
  'a script that is missing': [
    ['start', 'serve.js'],
    64,
    /script: serve\.js does not exist \(looked for <folder>\/serve\.js\), did you mean server\.js\?/,
  ],
  'a folder': [['start', '.'], 64, /script: \. is a folder; expected a script, such as /],
  'no workers': [
    ['start', 'server.js', '-w', '0'],
    64,
    /--workers: expected a whole number from 1 to 1024, .*, got 0$/m,
  ],
  'fewer than no workers': [['start', 'server.js', '-w', '-1'], 64, /--workers: expected .*, got -1$/m],
  'a word for a number': [['start', 'server.js', '--workers', 'four'], 64, /--workers: expected .*, got "four"$/m],
  'a port that is none': [
    ['start', 'server.js', '-p', '70000'],
    64,
    /--port: expected a port from 0 to 65535, got "70000"/,
  ],
  'two ports': [['start', 'server.js', '-p', '3000', '-e', 'PORT=3001'], 64, /--port: expected one PORT/],
  'an address that is none': [
    ['start', 'server.js', '--listen', 'http://x:80'],
    64,
    /--listen: expected "host:port".*, got "http:\/\/x:80"/,
  ],
  'a time in bananas': [
    ['start', 'server.js', '--kill-timeout', '30 bananas'],
    64,
    /--kill-timeout: expected a time with its unit, .*, got "30 bananas"/,
  ],
  'a time that no timer can wait': [
    ['start', 'server.js', '--stop-timeout', '25d'],
    64,
    /--stop-timeout: expected a time of at most 24d/,
  ],
  'a variable without a value': [
    ['start', 'server.js', '-e', 'DEBUG'],
    64,
    /--env: expected KEY=VALUE, got a text without "="/,
  ],
  'a working directory that is missing': [
    ['start', 'server.js', '--cwd', 'nowhere'],
    64,
    /--cwd: nowhere does not exist/,
  ],
  'an unknown sign of readiness': [
    ['start', 'server.js', '--ready', 'maybe'],
    64,
    /--ready: expected "listening" or "message" or "start" or \{ "http": "\/path" \}, got "maybe"/,
  ],
  'a configuration that is missing': [['start', 'server.js', '-c', 'x.json'], 78, /x\.json: does not exist/],
  'two configurations': [
    ['start', 'a.json', '-c', 'b.json'],
    64,
    /--config: expected one configuration, got b\.json and a\.json/,
  ],
};

for (const [title, [args, code, says]] of Object.entries(misuse)) {
  test(`${title}: one sentence on stderr and exit code ${code}`, async (t) => {
    const outcome = await cordon(t, args);
    t.is(outcome.code, code);
    t.is(outcome.out, '');
    t.regex(outcome.err, says);
    t.regex(outcome.err, /^cordon: [^\n]+\n$/);
  });
}

test('several mistakes are told in one run', async (t) => {
  const { code, err } = await cordon(t, ['start', 'serve.js', '-w', '0', '-p', 'x', '--log-level', 'loud']);
  t.is(code, 64);
  t.deepEqual(err.match(/^cordon: [\w-]+:/gm), [
    'cordon: --log-level:',
    'cordon: --port:',
    'cordon: --workers:',
    'cordon: script:',
  ]);
});

test('a configuration that throws ends in a sentence with its place, never in a stack', async (t) => {
  const { code, err } = await cordon(t, ['start', 'api.config.mjs'], { 'api.config.mjs': 'throw new Error("boom")' });
  t.is(code, 78);
  t.is(err, 'cordon: api.config.mjs: threw while it was read: Error: boom (<folder>/api.config.mjs:1:7)\n');
});

test('what a configuration prints goes to stderr', async (t) => {
  const { out, err } = await cordon(t, ['start', 'x.config.mjs'], {
    'x.config.mjs': 'console.log("hello"); export default {}',
  });
  t.is(out, '');
  t.regex(err, /^hello\n/);
});

test('--help and --version go to stdout and exit 0', async (t) => {
  const [version, help, start] = await Promise.all([
    cordon(t, ['--version']),
    cordon(t, ['--help']),
    cordon(t, ['start', '--help']),
  ]);
  t.like(version, { code: 0, err: '' });
  t.regex(version.out, /^\d+\.\d+\.\d+\n$/);
  t.like(help, { code: 0, err: '' });
  t.regex(help.out, /cordon start server\.js/);
  t.like(start, { code: 0, err: '' });
  t.regex(start.out, /cordon start server\.js --workers 2 --port 3000/);
});

test('help fits a terminal of 80 columns', async (t) => {
  const { out } = await cordon(t, ['start', '--help']);
  t.deepEqual(
    out.split('\n').filter((line) => line.length > 80),
    [],
  );
});

test('a bug of ours says that it is one, shows its stack, and exits 70', async (t) => {
  const broken = `import os from 'node:os'; import { syncBuiltinESMExports } from 'node:module';
    os.availableParallelism = () => { throw new Error('nobody expected this'); }; syncBuiltinESMExports();`;
  const { code, err } = await cordon(t, ['start', 'server.js'], { 'broken.mjs': broken }, ['--import', './broken.mjs']);
  t.is(code, 70);
  t.regex(
    err,
    /^cordon: this is a bug in cordon, not in your server; please report it .*\nError: nobody expected this\n {4}at /,
  );
});

test('a configuration that loops does not outlive the command', async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-cli-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(
    join(folder, 'loop.config.mjs'),
    `import { writeSync } from 'node:fs'; writeSync(2, 'looping'); for (;;);`,
  );
  const command = spawn(process.execPath, [main, 'start', 'loop.config.mjs'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await once(command.stderr, 'data');
  const killedAt = performance.now();
  command.kill('SIGKILL');
  // The reader holds the pipe as well: its end is the end of both.
  await once(command.stderr, 'end');
  t.true(performance.now() - killedAt < 8_000, 'before its deadline would have ended it');
});
