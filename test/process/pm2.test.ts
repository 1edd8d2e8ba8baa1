// pm2's files of every shape, started as they are.
import test from 'ava';
import { ask } from '../support/client.js';
import { fixture, startFleet } from '../support/fleet.js';

/** The app, and what its program sees of its settings. */
const files: Record<string, readonly [app: string, seen: object, ...args: string[]]> = {
  'classic/ecosystem.config.cjs': ['api', { mode: 'production', role: 'api' }, '--mode', 'production'],
  'comments/process.json': ['web', { role: 'web', args: ['--color', 'two words', 'plain'] }],
  'several/ecosystem.yaml': ['mail-queue', { role: 'mail', args: ['--queue', 'mail'] }],
  'bare/ecosystem.config.js': ['bare', { args: [] }],
  'list/ecosystem.config.mjs': ['list', { role: 'list' }],
  'camel/ecosystem.config.cjs': ['camel', { args: [] }],
  'graceful/ecosystem.config.cjs': ['graceful', { role: 'graceful' }],
  'logs/pm2.config.cjs': ['logs', { args: [] }],
  'restarts/ecosystem.config.json': ['restarts', { args: [] }],
  'computed/ecosystem.config.cjs': ['computed', { mode: 'staging', role: 'computed' }, '--mode', 'staging'],
  'rest/ecosystem.config.cjs': ['rest', { role: 'rest' }],
  'dump/dump.pm2': ['dumped', { role: 'dumped' }],
};

for (const [file, [app, seen, ...args]] of Object.entries(files)) {
  test(`${file} runs, answers or does its job, and stops when it is told to`, async (t) => {
    const fleet = startFleet(t, [fixture(`pm2/${file}`), '--only', app, ...args], {
      env: { NODE_ENV: undefined, ROLE: undefined },
    });
    await fleet.ready();
    const { msg } = await fleet.line(/^seen /);
    t.like(JSON.parse(msg.slice('seen '.length)), seen);
    if (app !== 'mail-queue')
      t.like(await ask(t, { port: await fleet.port() }, '/'), { became: 'answered', body: 'ok\n' });
    t.is(await fleet.stop(), 0);
  });
}

test('an app of pm2 that is not for node is refused before anything starts', async (t) => {
  const fleet = startFleet(t, [fixture('pm2/foreign/ecosystem.config.cjs')]);
  t.is(await fleet.ended, 78);
  t.regex(fleet.stderr(), /^cordon: .*foreign\/ecosystem\.config\.cjs: bun: `interpreter`: expected node, got "bun"/m);
  t.deepEqual(fleet.lines, []);
});
