// Users who ask one thing at a time, until a count or a time is reached, and an account of every single request.
import { Connection } from './connection.mjs';
import { lossOf } from './judge.mjs';

/** How many losses are told one by one. */
const TOLD = 20;

/** A small generator with a seed, so that a run can be had again (mulberry32). */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const between = ([least, most], dice) => least + Math.floor(dice() * (most - least + 1));

/** A route by its weight. */
function choose(routes, dice) {
  let at = dice() * routes.reduce((sum, { weight }) => sum + weight, 0);
  return routes.find(({ weight }) => (at -= weight) < 0) ?? routes[0];
}

/** The bytes of a request. A `half` one says that ten bytes follow and sends five. */
function bytesOf({ path, request = 'GET' }, id, keepAlive) {
  const body = { POST: '0123456789', half: '01234' }[request];
  return [
    `${body === undefined ? 'GET' : 'POST'} ${path} ${request === 'HTTP/1.0' ? request : 'HTTP/1.1'}`,
    'Host: localhost',
    `x-echo: ${id}`,
    `x-request-id: ${id}`,
    ...(keepAlive ? [] : ['Connection: close']),
    ...(body === undefined ? [] : ['Content-Type: application/octet-stream', 'Content-Length: 10']),
    '',
    body ?? '',
  ].join('\r\n');
}

const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/**
 * Runs a load and returns its account.
 *
 * `routes`: `{ path, weight, innocent, expected, request?, slowMs? }`, where `slowMs` is a range of which each request asks for
 * some value; `hosts` are used in turn; `requests` and `durationMs` both bound the load, whichever is reached first. `perSecond`: so
 * many requests are asked in a second and no more, evenly; who is late asks at once, until as many are open as there are users.
 */
export function load({
  hosts = ['127.0.0.1'],
  port,
  keepAlive,
  users,
  requests,
  durationMs,
  routes,
  thinkMs = [0, 0],
  perSecond = Number.POSITIVE_INFINITY,
  timeoutMs = 10_000,
  seed = 1,
}) {
  const dice = random(seed);
  const account = {
    innocent: { sent: 0, answered: 0, lost: 0 },
    failing: { sent: 0, answered: 0, lost: 0 },
    losses: [],
    reasons: {},
    connections: 0,
    /** Connections on which bytes came that nobody had asked for. */
    stray: 0,
    pids: {},
  };
  const late = [];
  const begun = performance.now();
  const cpu = process.cpuUsage();
  let sent = 0;

  const more = () => sent < requests && performance.now() - begun < durationMs;
  let turns = 0;
  const waitForTurn = () => Math.floor(begun + (turns++ * 1000) / perSecond - performance.now());

  function user(finished) {
    let connection;

    function next() {
      if (!more()) {
        connection?.destroy();
        return finished();
      }
      const think = Math.max(between(thinkMs, dice), waitForTurn());
      if (think > 0) setTimeout(ask, think);
      else ask();
    }

    function ask() {
      const route = choose(routes, dice);
      const waitMs = route.slowMs ? between(route.slowMs, dice) : 0;
      sent += 1;
      const id = `${seed}-${sent}`;
      if (!connection?.open) {
        if (connection?.stray) account.stray += 1;
        connection = new Connection(hosts[account.connections % hosts.length], port);
        account.connections += 1;
      }
      const path = route.slowMs ? `${route.path}?ms=${waitMs}` : route.path;
      const asked = performance.now();
      const mine = connection;
      account[route.innocent ? 'innocent' : 'failing'].sent += 1;
      mine.ask(bytesOf({ ...route, path }, id, keepAlive), timeoutMs, (outcome) => {
        const took = performance.now() - asked;
        settle(route, outcome, { id, path, connection: mine, took, waitMs, asked });
        if (outcome.became !== 'answered' || route.request === 'half') mine.destroy();
        else if (!keepAlive || outcome.response.close) mine.leave();
        setImmediate(next);
      });
    }

    next();
  }

  function settle(route, outcome, { id, path, connection, took, waitMs, asked }) {
    const group = account[route.innocent ? 'innocent' : 'failing'];
    const loss = lossOf(route.expected, outcome, id);
    const pid = outcome.response?.headers.get('x-pid');
    if (pid !== undefined) account.pids[pid] = (account.pids[pid] ?? 0) + 1;
    if (loss === undefined) {
      group.answered += 1;
      if (route.innocent) late.push(took - waitMs);
      return;
    }
    group.lost += 1;
    const reason = `${route.innocent ? 'innocent' : 'failing'}: ${loss.replace(/got .*/, 'got another')}`;
    account.reasons[reason] = (account.reasons[reason] ?? 0) + 1;
    if (account.losses.length >= TOLD) return;
    account.losses.push({
      reason,
      path,
      id,
      sentAtMs: Math.round(asked - begun),
      lostAfterMs: Math.round(took),
      useOfConnection: connection.uses,
      localPort: connection.localPort,
      lastPidThere: connection.pid,
    });
  }

  return new Promise((resolve) => {
    let running = users;
    for (let i = 0; i < users; i++) {
      user(() => {
        running -= 1;
        if (running > 0) return;
        const tookMs = performance.now() - begun;
        const { user: own, system } = process.cpuUsage(cpu);
        late.sort((a, b) => a - b);
        resolve({
          ...account,
          tookMs,
          clientBusy: (own + system) / 1000 / tookMs,
          latencyMs: { p50: percentile(late, 0.5), p99: percentile(late, 0.99), max: late.at(-1) ?? 0 },
        });
      });
    }
  });
}
