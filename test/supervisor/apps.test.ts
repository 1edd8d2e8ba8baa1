// Several apps in one process, without a process: whose turn it is, and what they share.
import test from 'ava';
import type { Config } from '../../config/config.js';
import { OperatorError } from '../../config/exit-code.js';
import { sharedBy } from '../../supervisor/apps/shared.js';
import { shareOut } from '../../supervisor/apps/shares.js';
import { together } from '../../supervisor/apps/standing.js';
import { beginners, leavers, type Standing, waitsFor } from '../../supervisor/apps/turns.js';
import { emptyFleet } from '../../supervisor/state.js';

const standing = (name: string, phase: Standing['phase'], ...after: string[]): Standing => ({ name, phase, after });
const names = (apps: readonly Standing[]): string[] => apps.map(({ name }) => name);

test('an app begins when all that it comes after are ready, not when they have begun, and never after one that is over', (t) => {
  const web = standing('web', 'waiting', 'api', 'db');
  t.deepEqual(names(beginners([web, standing('api', 'begun'), standing('db', 'ready')])), []);
  t.deepEqual(names(beginners([web, standing('api', 'ready'), standing('db', 'ready')])), ['web']);
  t.deepEqual(waitsFor(web, [web, standing('api', 'over'), standing('db', 'ready')]), ['api']);
});

test('who was left out by --only is nobody to wait for', (t) => {
  t.deepEqual(names(beginners([standing('web', 'waiting', 'db')])), ['web']);
});

test('those that come after others stop first, waiting ones too, and those that are over keep nobody', (t) => {
  const db = standing('db', 'ready');
  t.deepEqual(names(leavers([db, standing('api', 'ready', 'db'), standing('web', 'waiting', 'api')])), ['web']);
  t.deepEqual(names(leavers([db, standing('api', 'over', 'db'), standing('jobs', 'begun')])), ['db', 'jobs']);
});

const config = (name: string, more: object = {}): Config =>
  ({
    name,
    listen: [],
    control: {},
    metrics: { listen: [] },
    errors: {},
    logs: {},
    agent: { listen: [] },
    ...more,
  }) as unknown as Config;

const clashes: Record<string, readonly [one: object, other: object, says: RegExp]> = {
  'two users': [
    { user: 'www' },
    { user: 'mail' },
    /^user: expected the same for every app, got www for one and mail for other/,
  ],
  'two pid files': [{ pidFile: '/run/a' }, { pidFile: '/run/b' }, /^pidFile: expected one for all apps/],
  'one address': [
    { listen: [{ host: undefined, port: 80 }] },
    { listen: [{ host: undefined, port: 80 }] },
    /^listen: expected another one for each app, got :80 for one and for other/,
  ],
  'one control socket': [
    { control: { socket: '/run/a.sock' } },
    { control: { socket: '/run/a.sock' } },
    /^control\.socket: expected another one for each app/,
  ],
  'one log file': [
    { logs: { file: '/var/log/a' } },
    { logs: { accessFile: '/var/log/a' } },
    /^logs\.file: expected another one for each app, got \/var\/log\/a for one and for other/,
  ],
};

for (const [what, [one, other, says]] of Object.entries(clashes))
  test(`${what} cannot be in one process`, (t) => {
    const error = t.throws(() => sharedBy([config('one', one), config('other', other)]), { instanceOf: OperatorError });
    t.regex(error?.message ?? '', says);
    t.is(error?.exitCode, 78);
  });

test('a pid file that one app names is that of the process, and port 0 is another one for each', (t) => {
  const anywhere = { listen: [{ host: '127.0.0.1', port: 0 }] };
  t.is(sharedBy([config('one', { ...anywhere, pidFile: '/run/a' }), config('other', anywhere)]).pidFile, '/run/a');
});

test('systemd sees several fleets as one: ready when all slots are, degraded when one is', (t) => {
  const whole = together([emptyFleet(2), { ...emptyFleet(1, 1), degraded: true }], false);
  t.is(whole.slots.length, 4);
  t.true(whole.degraded);
  t.is(whole.goal, 'serve');
  t.is(together([emptyFleet(1), emptyFleet(1)], true).goal, 'stop');
});

const socket = (fd: number, heirloom: object) => ({
  fd,
  heirloom: { kind: 'stream' as const, place: '', ...heirloom },
});

test('a socket goes to the app that lists its address, else to the one that had it, else under no name to be closed', (t) => {
  const all = [
    socket(4, { app: 'api', key: 'null:0:4::0' }),
    socket(5, { app: 'api', place: 'port:3000', key: 'null:3000:4::0' }),
    socket(6, { app: 'gone', key: 'null:0:4::0' }),
    socket(7, { lent: 'http', place: 'port:80' }),
  ];
  const apps = [
    { name: 'web', listen: [{ port: 3000, host: undefined }, { inherited: 'http' }] },
    { name: 'api', listen: [] },
  ];
  const shares = shareOut(all, apps, (name) => name);
  t.deepEqual(
    [...shares].map(([name, mine]) => [name, mine.map(({ fd, heirloom }) => [fd, heirloom.key])]),
    [
      [
        'web',
        [
          [5, 'null:3000:4::0'],
          [6, undefined],
          [7, undefined],
        ],
      ],
      ['api', [[4, 'null:0:4::0']]],
    ],
  );
  const stray = () => shareOut([socket(4, { lent: 'other' })], apps, (name) => name);
  t.throws(stray, { instanceOf: OperatorError, message: /"other", and no app lists it/ });
});
