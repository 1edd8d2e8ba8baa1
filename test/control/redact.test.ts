// What `describe` shows of a configuration, to readers also.
import test from 'ava';
import { redacted } from '../../supervisor/control/redact.js';
import type { Release } from '../../supervisor/releases.js';

const shown = (change: object): Record<string, unknown> =>
  redacted({
    env: {},
    args: [],
    nodeArgs: [],
    before: { command: [] },
    hooks: { onIncident: undefined },
    ...change,
  } as unknown as Release) as Record<string, unknown>;

const told = (onIncident: unknown): unknown => shown({ hooks: { onIncident } })['hooks'];

test('of an address that is told of incidents the host is shown, and of a command no secret', (t) => {
  t.deepEqual(told('https://me:hunter2@hooks.example.org/services/hunter2?key=hunter2'), {
    onIncident: 'https://hooks.example.org/[hidden]',
  });
  t.deepEqual(told('http://127.0.0.1:9000/'), { onIncident: 'http://127.0.0.1:9000' });
  t.deepEqual(told(['./notify', '--token', 'hunter2', '--channel', 'ops']), {
    onIncident: ['./notify', '--token', '[hidden]', '--channel', 'ops'],
  });
  t.deepEqual(told(undefined), { onIncident: undefined });
});

test('of variables the names are shown, and the values of no argument that calls itself secret', (t) => {
  const { env, args, before } = shown({
    env: { DATABASE: 'hunter2' },
    args: ['--api-key=hunter2', 'postgres://me:hunter2@host/db'],
    before: { command: ['migrate', '--password', 'hunter2'] },
  });
  t.deepEqual(env, { DATABASE: '[hidden]' });
  t.deepEqual(args, ['--api-key=[hidden]', 'postgres://me:[hidden]@host/db']);
  t.deepEqual(before, { command: ['migrate', '--password', '[hidden]'] });
});
