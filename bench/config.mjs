// Fifty edits of a watched configuration in a row, under load: by rename, by symlink and in place, half of them broken. Lost
// requests, reloads for each good edit, and what runs in the end. `npm run bench:config -- --edits 50`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { edits: { type: 'string', default: '50' }, users: { type: 'string', default: '8' } },
});
const edits = Number(values.edits);
/** On a busy machine a configuration takes its time to be read. */
const PATIENCE_MS = 20_000;
const root = fileURLToPath(new URL('../', import.meta.url));
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-')));
const file = join(folder, 'cordon.config.json');

const ways = {
  rename(text) {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  },
  symlink(text, edit) {
    writeFileSync(join(folder, `revision-${edit}.json`), text);
    symlinkSync(`revision-${edit}.json`, `${file}.new`);
    renameSync(`${file}.new`, file);
  },
  'in place': (text) => writeFileSync(file, text),
  /** An editor that is interrupted for longer than a change takes to settle. */
  async 'in two parts'(text) {
    const at = openSync(file, 'w');
    writeSync(at, text.slice(0, text.length / 2));
    await sleep(400);
    writeSync(at, text.slice(text.length / 2));
    closeSync(at);
  },
};
const says = (value, more = {}) =>
  JSON.stringify({
    name: 'edited',
    script: join(root, 'test/fixtures/process/app.mjs'),
    workers: 2,
    env: { VALUE: String(value) },
    stop: { linger: '200ms' },
    control: { watchConfig: true },
    ...more,
  });
const broken = [
  (value) => says(value).slice(0, -20),
  (value) => says(value, { workers: 0 }),
  (value) => says(value, { wrokers: 3 }),
  (value) => says(value, { script: './gone.js' }),
];

writeFileSync(file, says('first'));
const lines = [];
const supervisor = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'start', '--log-format', 'json'], {
  cwd: folder,
  env: { ...process.env, XDG_RUNTIME_DIR: folder, XDG_STATE_HOME: folder },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = once(supervisor, 'close');
const heard = new Set();
createInterface({ input: supervisor.stdout }).on('line', (line) => {
  lines.push(JSON.parse(line));
  for (const look of heard) look();
});
const line = (matching, from = 0) =>
  new Promise((resolve) => {
    const look = () => {
      const found = lines.slice(from).find(({ msg }) => matching.test(msg));
      if (!found) return;
      heard.delete(look);
      resolve(found);
    };
    heard.add(look);
    look();
  });
await line(/is ready \(2 of 2\)/);
const port = Number((await line(/^port \d+/)).msg.slice(5));

const told = { answered: 0, lost: [], isOver: false };
const ask = (agent) =>
  new Promise((resolve) => {
    const failed = (error) => resolve({ error: error.code ?? error.message });
    http
      .get({ port, agent, host: '127.0.0.1' }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => (text += part));
        response.on('end', () => resolve({ text })).on('error', failed);
      })
      .on('error', failed);
  });
async function user() {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  while (!told.isOver) {
    const { error } = await ask(agent);
    if (error) told.lost.push(error);
    else told.answered++;
    await sleep(2);
  }
  agent.destroy();
}
const users = Promise.all(Array.from({ length: Number(values.users) }, user));

const names = Object.keys(ways);
let good = 0;
let last = 'first';
const begun = performance.now();
for (let edit = 1; edit <= edits; edit++) {
  const isGood = edit % 2 === 0;
  const from = lines.length;
  await ways[names[Math.floor(edit / 2) % names.length]](
    isGood ? says(edit) : broken[Math.floor(edit / 2) % broken.length](edit),
    edit,
  );
  if (isGood) {
    good++;
    last = String(edit);
  }
  // Every other ten come faster than anybody can read them; the rest are waited for.
  if (Math.floor((edit - 1) / 10) % 2 === 1) await sleep(50);
  else await Promise.race([line(isGood ? /^reload done/ : /^nothing was changed/, from), sleep(PATIENCE_MS)]);
}
/** Whatever came last has been brought in when nothing is said any more that is about it. */
const agent = new http.Agent({ keepAlive: false });
let runs;
for (const until = performance.now() + 30_000; performance.now() < until && runs !== last; await sleep(100))
  runs = JSON.parse((await ask(agent)).text ?? '{}').value;
await sleep(2000);
const spread = new Set();
for (let i = 0; i < 20; i++) spread.add(JSON.parse((await ask(agent)).text ?? '{}').value);
const took = (performance.now() - begun) / 1000;
told.isOver = true;
await users;
supervisor.kill('SIGTERM');
const [code] = await ended;
rmSync(folder, { recursive: true, force: true });

const reloads = lines.filter(({ msg }) => msg.startsWith('reload: generation')).length;
const refused = lines.filter(({ msg }) => msg.startsWith('nothing was changed')).length;
console.log(`${edits} edits in ${took.toFixed(1)} s, ${good} of them good: ${reloads} reloads, ${refused} refused`);
console.log(`${told.answered} requests answered, ${told.lost.length} lost ${JSON.stringify(told.lost.slice(0, 5))}`);
console.log(`what runs: ${[...spread].join(', ')}; the last good edit: ${last}; exit code ${code}`);
const isRight = told.lost.length === 0 && reloads <= good && spread.size === 1 && spread.has(last) && code === 0;
console.log(isRight ? 'as promised' : 'NOT as promised');
process.exitCode = isRight ? 0 : 1;
