import test from 'ava';
import { circles, startOrder } from '../../config/order.js';
import { folderOf, loadedApps, loading, refused } from '../support/config.js';

const named = (apps: Readonly<Record<string, string>>) =>
  Object.entries(apps).map(([name, after]) => ({ name, after: after.split(' ').filter((other) => other !== '') }));
const orderOf = (apps: Readonly<Record<string, string>>): string =>
  startOrder(named(apps))
    .map(({ name }) => name)
    .join(' ');

test('an app starts after those it names, and else in the order of the file', (t) => {
  t.is(orderOf({ c: '', b: '', a: '' }), 'c b a');
  t.is(orderOf({ api: 'db queue', worker: 'queue', queue: 'db', db: '', web: '' }), 'db queue api worker web');
});

test('apps in a circle, and those behind it, have no turn; each circle is named once', (t) => {
  const apps = { a: 'b', b: 'c', c: 'a', d: 'a', e: '', f: 'f' };
  t.is(orderOf(apps), 'e');
  t.deepEqual(circles(named(apps)), [
    ['a', 'b', 'c', 'a'],
    ['f', 'f'],
  ]);
});

test('a name that nobody has is no circle', (t) => {
  t.deepEqual(circles(named({ a: 'x', b: 'a' })), []);
});

const three = {
  'cordon.config.yaml': [
    'apps:',
    '- { name: api, script: server.js, after: [db-proxy], workers: 2 }',
    '- { name: mails, script: server.js, ready: { on: start }, env.live: { A: 1 } }',
    '- { name: db-proxy, script: server.js, workers: "${PROXIES}" }',
  ].join('\n'),
};

test('a file with several apps gives each its own config, in the order in which they start', async (t) => {
  const { apps } = await loadedApps(t, { files: three, environment: { PROXIES: '3' }, mode: 'live' });
  t.deepEqual(
    apps.map(({ name, workers, ready, env }) => ({ name, workers, on: ready.on, env })),
    [
      { name: 'mails', workers: 4, on: 'start', env: { A: '1' } },
      { name: 'db-proxy', workers: 3, on: 'listening', env: {} },
      { name: 'api', workers: 2, on: 'listening', env: {} },
    ],
  );
});

test('one app of several is chosen by its name, and none by chance', async (t) => {
  const folder = folderOf(t, three);
  const environment = { PROXIES: '3' };
  t.is((await loading(folder, { environment, only: 'mails' })).name, 'mails');
  await t.throwsAsync(loading(folder, { environment, only: 'mail' }), {
    message: '--only: no app is called mail; known here: mails, db-proxy, api',
  });
  await t.throwsAsync(loading(folder, { environment }), {
    message: 'expected one app, got mails, db-proxy, api; choose one with --only',
  });
});

test('what is wrong is told for all apps at once, with the place in the file', async (t) => {
  const text = [
    'name: all',
    'apps:',
    '- { name: a, script: server.js, workers: 0 }',
    '- { name: a, script: server.js, after: [bb, b] }',
    '- { name: b, scrpt: server.js }',
    '- 3',
  ].join('\n');
  const [says, exitCode] = await refused(t, { files: { 'cordon.config.yaml': text } });
  t.deepEqual(
    says.map((line) => line.replace(/(: expected a whole number).*/, '$1')),
    [
      'cordon.config.yaml:1:1: `name` stands beside `apps`, where it would be for nobody; write it into each app that it is for',
      'cordon.config.yaml:3:42: `apps[0].workers`: expected a whole number',
      'cordon.config.yaml:4:11: `apps[1].name`: expected each name once, got a, which is apps[0] too',
      'cordon.config.yaml:4:41: `apps[1].after[0]`: no app is called bb, did you mean b?',
      'cordon.config.yaml:5:3: `apps[2].script`: missing; say which script to run, such as "./server.js"',
      'cordon.config.yaml:5:14: unknown key `apps[2].scrpt`, did you mean `script`?',
      'cordon.config.yaml:6:3: `apps[3]`: expected an object, got 3',
    ],
  );
  t.is(exitCode, 78);
});

test('a file with one app has nobody to wait for', async (t) => {
  const [says] = await refused(t, { files: { 'cordon.config.yaml': 'script: server.js\nafter: [db]\n' } });
  t.deepEqual(says, ['cordon.config.yaml:2:9: `after[0]`: no app is called db; there is no other app in this file']);
});
