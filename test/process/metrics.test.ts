// The metrics of a real fleet, and the book of errors as a program that runs the supervisor sees it.
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { IncidentDetail, IncidentSummary } from '../../supervisor/incidents/incidents.js';
import { ask, type Target } from '../support/client.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';
import { workersOf } from '../support/processes.js';
import { parsed, type Scraped } from '../support/prometheus.js';

interface Seen {
  readonly fleet: Fleet;
  readonly target: Target;
  readonly read: (path: string) => Promise<string>;
  readonly scrape: () => Promise<Scraped>;
  /** Scrapes until this holds. */
  readonly until: (holds: (series: Scraped['series']) => boolean) => Promise<Scraped['series']>;
}

/** What may never come is not waited for as long as the whole run may take: nobody would end the fleet then. */
const PATIENCE_MS = 25_000;

async function seen(t: ExecutionContext, script: string, workers: number, env: NodeJS.ProcessEnv = {}): Promise<Seen> {
  const program = fixture('process/supervised.mjs');
  const fleet = startFleet(t, [fixture(script), String(workers)], { program, env });
  const { msg } = await fleet.line(/^seen at \d+/);
  const port = Number(/\d+/.exec(msg)?.[0]);
  const read = (path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      get({ port, path, host: '127.0.0.1', agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('end', () => resolve(text));
      }).once('error', reject);
    });
  const scrape = async (): Promise<Scraped> => parsed(await read('/metrics'));
  await fleet.ready();
  return {
    fleet,
    target: { port: await fleet.port() },
    read,
    scrape,
    until: async (holds) => {
      for (const from = performance.now(); ; ) {
        const { series } = await scrape();
        if (holds(series)) return series;
        if (performance.now() - from > PATIENCE_MS)
          throw new Error(`it did not come to that:\n${[...series].map((one) => one.join(' ')).join('\n')}`);
        await sleep(50);
      }
    },
  };
}

const requests = (series: Scraped['series']): number =>
  [...series].reduce((sum, [key, value]) => (key.startsWith('cordon_requests_total') ? sum + value : sum), 0);

test('requests are counted, by route where the program says one, and no counter falls when workers are replaced or killed', async (t) => {
  const { fleet, target, scrape, until } = await seen(t, 'process/measuring.mjs', 2);
  for (let index = 0; index < 20; index++) await ask(t, target, index % 2 ? '/ok' : `/users/${index}`);
  const before = await until((series) => requests(series) === 20);
  t.is(before.get('cordon_requests_total{method="GET",status="2xx"}'), 10);
  t.is(before.get('cordon_requests_total{method="GET",status="2xx",route="/users/:id"}'), 10);
  t.is(before.get('cordon_request_duration_seconds_count'), 10);
  t.is(before.get('cordon_workers{phase="ready"}'), 2);
  t.true((before.get('cordon_worker_resident_memory_bytes{slot="0"}') ?? 0) > 1e6);

  t.like(await ask(t, target, '/fail'), { status: 500 });
  await fleet.line(/is gone \(exit code 81\)/);
  await ask(t, target, '/die');
  await fleet.line(/died \(SIGKILL\)/);
  const { types, series: after } = await scrape();
  for (const [key, value] of before)
    if (types.get(key.replace(/\{.*/, '')) === 'counter') t.true((after.get(key) ?? 0) >= value, key);
  const end = await until(
    (series) => series.get('cordon_faults_total') === 1 && series.get('cordon_workers{phase="ready"}') === 2,
  );
  t.is(end.get('cordon_restarts_total{cause="fault"}'), 1);
  t.is(end.get('cordon_restarts_total{cause="died"}'), 1);
  t.is(end.get('cordon_requests_total{method="GET",status="5xx"}'), 1, 'told by the worker before it went');
  t.is(end.get('cordon_incidents{state="new"}'), 1);
  t.is(await fleet.stop(), 0);
});

test('what programs measure with prom-client is summed over workers, and stays counted when one is replaced', async (t) => {
  const { fleet, target, until } = await seen(t, 'process/measuring.mjs', 2);
  for (let index = 0; index < 10; index++) await ask(t, target, '/sell');
  const series = await until((all) => all.get('shop_sold_total{kind="tea"}') === 10);
  t.is(series.get('shop_asked_total'), 10, 'of a registry of its own');
  t.is(series.get('shop_open'), 2, 'the highest');
  t.is(series.get('shop_took_seconds_bucket{le="1"}'), 10);
  await ask(t, target, '/sell');
  t.like(await ask(t, target, '/fail'), { status: 500 });
  await fleet.line(/is gone \(exit code 81\)/);
  const after = await until((all) => all.get('shop_open') === 3);
  t.is(after.get('shop_sold_total{kind="tea"}'), 11, 'what was sold after the last scrape too');
  t.is(after.get('shop_asked_total'), 12);
  t.is(await fleet.stop(), 0);
});

test('a stuck worker delays a scrape by a second and no more, and its last figures are used', async (t) => {
  // On a machine where this process gets no turn for ten seconds, the worker would be taken for stuck and replaced.
  const env = { CORDON_HEALTH_HANG: '10m' };
  const { fleet, target, scrape, until } = await seen(t, 'process/measuring.mjs', 2, env);
  for (let index = 0; index < 10; index++) await ask(t, target, '/sell');
  await until((series) => requests(series) === 10 && series.get('shop_sold_total{kind="tea"}') === 10);
  const [stuck = 0] = workersOf(fleet);
  process.kill(stuck, 'SIGSTOP');
  try {
    const begin = performance.now();
    const { series } = await scrape();
    const took = performance.now() - begin;
    t.log(`${Math.round(took)} ms`);
    t.true(took < 2500, `${took}`);
    t.is(requests(series), 10);
    t.is(series.get('shop_sold_total{kind="tea"}'), 10);
    await until((all) => [0, 1].some((slot) => (all.get(`cordon_worker_silence_seconds{slot="${slot}"}`) ?? 0) > 2));
  } finally {
    process.kill(stuck, 'SIGCONT');
  }
  t.is(await fleet.stop(), 0);
});

test('requests that were open in a worker that died are counted as lost', async (t) => {
  const { fleet, target, until } = await seen(t, 'process/measuring.mjs', 1);
  const held = [1, 2, 3].map(() => ask(t, target, '/hold'));
  await until((series) => series.get('cordon_requests_in_flight') === 3);
  await ask(t, target, '/die');
  for (const outcome of await Promise.all(held)) t.is(outcome.became, 'broken');
  const series = await until((all) => (all.get('cordon_requests_lost_total{reason="died"}') ?? 0) > 0);
  t.is(series.get('cordon_requests_lost_total{reason="died"}'), 3);
  t.is(await fleet.stop(), 0);
});

test('an error that the program has handled is in the book with what it says, and the worker goes on', async (t) => {
  const { fleet, target, read, until } = await seen(t, 'process/measuring.mjs', 1);
  t.like(await ask(t, target, { path: '/handled', headers: { 'x-request-id': 'r7', cookie: 's3cret' } }), {
    status: 200,
  });
  await fleet.line(/^TypeError: handled – GET \/handled \(request r7\)/);
  const [summary] = JSON.parse(await read('/errors')) as IncidentSummary[];
  t.like(summary, { name: 'TypeError', state: 'new', count: 1, handled: 1 });
  const { id: whole = '' } = summary ?? {};
  for (const id of [whole, whole.slice(0, 5), 'r7']) {
    const detail = JSON.parse(await read(`/show?${id}`)) as IncidentDetail;
    t.is(detail.id, whole);
    t.deepEqual(detail.first.context, { order: 7 });
    t.like(detail.first.request, { id: 'r7', path: '/handled' });
    t.is(detail.first.request?.headers['cookie'], '[redacted]');
    t.regex(detail.excerpt.map(({ text }) => text).join('\n'), /report\(new TypeError\('handled'\)/);
  }
  t.is(await read('/show?nothing'), 'null');
  t.is(await read(`/resolve?${whole}`), 'true');
  t.is(await read('/resolve?nothing'), 'false');
  await ask(t, target, '/handled');
  await fleet.line(/– it has returned$/);
  t.is((JSON.parse(await read('/errors')) as IncidentSummary[])[0]?.state, 'returned');
  const series = await until((all) => all.get('cordon_reported_errors_total') === 2);
  t.is(series.get('cordon_faults_total'), 0);
  t.is(fleet.lines.filter(({ msg }) => /drains/.test(msg)).length, 0);
  t.is(await fleet.stop(), 0);
});
