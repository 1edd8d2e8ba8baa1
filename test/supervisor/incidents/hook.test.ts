import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { byCommand, byPost } from '../../../supervisor/incidents/deliver.js';
import { type Deliver, Hook, type News } from '../../../supervisor/incidents/hook.js';
import { until } from '../../support/until.js';

const news = (id: string): News => ({
  version: 1,
  event: 'new',
  app: 'api',
  host: 'here',
  id,
  state: 'new',
  name: 'Error',
  message: 'x',
  count: 1,
  handled: 0,
  firstSeen: '',
  lastSeen: '',
  releases: [],
  trend: [],
});
const TIMES = { everyMs: 60_000, timeoutMs: 5000, retriesMs: [1, 1] };

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A hook whose deliveries the test ends one by one. */
function hook(times = TIMES): {
  hook: Hook;
  told: { id: string; end: (error?: Error) => void }[];
  failed: string[];
} {
  const told: { id: string; end: (error?: Error) => void }[] = [];
  const failed: string[] = [];
  const deliver: Deliver = ({ id }) =>
    new Promise((resolve, reject) => {
      told.push({ id, end: (error) => (error ? reject(error) : resolve()) });
    });
  return { hook: new Hook(deliver, (why) => failed.push(why), times), told, failed };
}

test('of each incident there is at most one message a minute', async (t) => {
  const { hook: one, told } = hook();
  one.tell(news('a'));
  one.tell(news('a'));
  one.tell(news('b'));
  await turn();
  t.deepEqual(
    told.map(({ id }) => id),
    ['a', 'b'],
  );
  const { hook: quick, told: often } = hook({ ...TIMES, everyMs: 0 });
  quick.tell(news('a'));
  quick.tell(news('a'));
  t.is(often.length, 2);
});

test('what returns within the minute is told when it is over, once', async (t) => {
  const told: string[] = [];
  const deliver: Deliver = ({ event, count }) => {
    told.push(`${event} ${count}`);
    return Promise.resolve();
  };
  const one = new Hook(deliver, t.fail, { ...TIMES, everyMs: 500 });
  one.tell(news('a'));
  one.tell({ ...news('a'), event: 'returned', count: 2 });
  one.tell({ ...news('a'), event: 'returned', count: 3 });
  t.deepEqual(told, ['new 1']);
  while (told.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  one.tell(news('b'));
  await turn();
  t.deepEqual(told, ['new 1', 'returned 3', 'new 1']);
});

test('what fails is tried again, and given up in one sentence', async (t) => {
  const { hook: one, told, failed } = hook();
  one.tell(news('a'));
  for (let attempt = 0; attempt < 3; attempt++) {
    await until(`attempt ${attempt} to tell it`, () => told.length > attempt, 1);
    told[attempt]?.end(new Error('nobody there'));
  }
  await until('it is given up', () => failed.length > 0, 1);
  t.deepEqual(failed, ['incident a (new) could not be told: nobody there']);
  t.is(told.length, 3);
});

test('two are told at once, a hundred wait, and more are counted', async (t) => {
  const { hook: one, told, failed } = hook();
  for (let index = 0; index < 1000; index++) one.tell(news(`${index}`));
  await turn();
  t.is(told.length, 2);
  for (let index = 0; index < 102; index++) {
    await until(`incident ${index} is told`, () => told.length > index, 0);
    told[index]?.end();
  }
  await until('what was too many is counted', () => failed.length > 0, 0);
  t.is(told.length, 102);
  t.deepEqual(failed, ['898 more incidents were too many to tell']);
});

test('a command gets the news on its stdin and in its environment, through no shell', async (t) => {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-hook-')));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const script = `
    let text = '';
    process.stdin.on('data', (chunk) => (text += chunk)).on('end', () =>
      require('fs').writeFileSync('told', JSON.stringify([JSON.parse(text).id, process.env.CORDON_INCIDENT, process.env.CORDON_INCIDENT_EVENT, process.argv[1]])));`;
  await byCommand([process.execPath, '-e', script, '$(touch evil); *'], dir)(news('a'), 20_000);
  t.deepEqual(JSON.parse(readFileSync(join(dir, 'told'), 'utf8')), ['a', 'a', 'new', '$(touch evil); *']);
});

const failing: [string, readonly string[], number, RegExp][] = [
  ['is not there', ['./no-such-command'], 20_000, /ENOENT/],
  [
    'fails',
    [process.execPath, '-e', 'console.error("no network"); process.exit(3)'],
    20_000,
    /ended with exit code 3: no network/,
  ],
  ['never ends', [process.execPath, '-e', 'setInterval(() => {}, 1000)'], 100, /ended with SIGKILL/],
  ['does not read', ['/bin/false'], 20_000, /ended with exit code 1/],
];
for (const [what, command, timeoutMs, expected] of failing)
  test(`a command that ${what} is told of`, async (t) => {
    await t.throwsAsync(byCommand(command, tmpdir())(news('a'), timeoutMs), { message: expected });
  });

async function listening(
  t: ExecutionContext,
  status: number | undefined,
): Promise<{ address: string; asked: { method: string | undefined; body: string }[] }> {
  const asked: { method: string | undefined; body: string }[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      asked.push({ method: request.method, body });
      if (status !== undefined) response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?key=secret`, asked };
}

test('an address gets the news as the body of a POST', async (t) => {
  const { address, asked } = await listening(t, 204);
  await byPost(address)(news('a'), 20_000);
  t.is(asked[0]?.method, 'POST');
  t.is((JSON.parse(asked[0]?.body ?? '') as News).id, 'a');
});

for (const [status, timeoutMs, expected] of [
  [500, 20_000, /answered 500/],
  [undefined, 100, /did not answer in 100 ms/],
] as const)
  test(`an address that ${status === undefined ? 'does not answer' : `answers ${status}`} is told of, without the secrets in it`, async (t) => {
    const { address } = await listening(t, status);
    const error = await t.throwsAsync(byPost(address)(news('a'), timeoutMs), { message: expected });
    t.false(error?.message.includes('secret'));
  });
