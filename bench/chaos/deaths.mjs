// Hard deaths. What a killed worker held is known exactly: it is stopped first, its connections are read from /proc, and then it is
// killed. Only a request on one of these may be lost.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { random } from '../client/load.mjs';
import { median } from '../support/figures.mjs';
import { queueUp } from './client/once.mjs';
import { startFleet } from './fleet.mjs';
import { clientsOf, isStopped } from './proc.mjs';

const host = '127.0.0.1';

/** Kills it. Returns when, and whose connections it held. */
async function take(pid, port) {
  process.kill(pid, 'SIGSTOP');
  for (let i = 0; i < 1000 && !isStopped(pid); i++) await sleep(0);
  const clients = (await clientsOf([pid], port)).get(pid);
  return { clients, kill: () => process.kill(pid, 'SIGKILL') };
}

/**
 * `anywhere`: a successor need not come in the slot of the dead, since a standby has its own. `queueMs`: from the death to the
 * successor's first answer somebody asks on a new connection so often. What is measured is how soon it can answer, and not when
 * one of the clients happens to come to it.
 */
export async function kill({ fleet, referee, facts, seed }, { times, everyMs, queueMs, anywhere = false }) {
  const dice = random(seed);
  const held = new Map();
  const known = new Map();
  const victims = [];
  const queues = [];
  referee.excuse = ({ connection, sentAt }) => {
    const killedAt = held.get(connection.localPort);
    if (killedAt === undefined || connection.begunAt > killedAt) return undefined;
    return sentAt <= killedAt ? 'in flight in the killed worker' : 'sent before its client had heard of the death';
  };
  const look = () => {
    for (const one of fleet.processes()) known.set(one.pid, one);
  };

  let due = performance.now();
  for (let i = 1; i <= times; i++) {
    look();
    const alive = fleet
      .processes()
      .filter(({ pid }) => referee.processes.has(pid) && !victims.some((one) => one.pid === pid));
    const victim = alive[Math.floor(dice() * alive.length)];
    if (victim === undefined) {
      facts.steps.push({ name: `kill ${i}`, why: 'no worker was there that had ever answered' });
    } else {
      const { clients, kill: now } = await take(victim.pid, fleet.port);
      referee.amid(`kill ${i}`);
      const before = referee.processes.size;
      const at = performance.now();
      for (const port of clients) held.set(port, at);
      now();
      const over = () => referee.processes.size > before || performance.now() > at + everyMs;
      queues.push(queueUp({ referee, host, port: fleet.port }, `queue-${i}`, queueMs, over));
      victims.push({ ...victim, at, date: Date.now(), held: clients.size });
      facts.steps.push({ name: `kill ${i}` });
    }
    due += everyMs;
    // Who comes is looked for meanwhile: one that is killed young would else never be seen.
    while (performance.now() < due) {
      await sleep(50);
      look();
    }
  }
  await Promise.all(queues);
  const answered = () => victims.every((victim) => successor(victim, known, referee, anywhere) !== undefined);
  for (let i = 0; i < 200 && !answered(); i++) {
    await sleep(50);
    look();
  }
  facts.deaths = victims.map((victim) => {
    const next = successor(victim, known, referee, anywhere);
    return next === undefined ? victim : { ...victim, ...span(victim, next, fleet) };
  });
}

/** The next one to answer for the first time, in this slot or in any. */
function successor(victim, known, referee, anywhere) {
  return [...known.values()]
    .filter(({ pid, slot }) => pid !== victim.pid && (anywhere || slot === victim.slot))
    .map((one) => ({ ...one, firstAt: referee.processes.get(one.pid)?.firstAt ?? 0 }))
    .filter(({ firstAt }) => firstAt > victim.at)
    .toSorted((a, b) => a.firstAt - b.firstAt)[0];
}

/** From the death to the first answer, and its parts by the word of the log. */
function span(victim, { worker, firstAt }, { lines }) {
  const successorMs = firstAt - victim.at;
  const said = (matching) => {
    const line = lines.find((one) => String(one.worker) === worker && matching.test(one.msg));
    return line && Date.parse(line.time) - victim.date;
  };
  // One that stood by has long been started.
  const called = said(/ is called into service$/);
  if (called !== undefined) return { successorMs, noticeMs: called, bootMs: 0, serveMs: successorMs - called };
  const started = said(/ starts in slot /);
  const ready = said(/ is ready /);
  if (started === undefined || ready === undefined) return { successorMs };
  return { successorMs, noticeMs: started, bootMs: ready - started, serveMs: successorMs - ready };
}

/**
 * How long a worker takes from its fork to its first answer when nothing else runs: a fleet of one, whose worker is killed while a
 * client waits for whoever comes.
 */
export async function measureBoot({ facts, options, config }) {
  const fleet = await startFleet({ ...options, workers: 1, config });
  const boots = [];
  const deaths = [];
  try {
    for (let i = 0; i < 5; i++) {
      const [{ pid }] = fleet.processes();
      const from = fleet.lines.length;
      const { kill: now } = await take(pid, fleet.port);
      const at = Date.now();
      now();
      const answeredAt = await firstAnswer(fleet.port);
      const started = await lineAfter(fleet, from, /starts in slot/);
      boots.push(answeredAt - Date.parse(started.time));
      deaths.push(answeredAt - at);
    }
  } finally {
    await fleet.stop();
  }
  facts.boot = { ms: median(boots), deathToAnswerMs: median(deaths), runs: boots.length };
}

/** Connects, which the kernel takes in for whoever listens next, and waits for the first byte. */
async function firstAnswer(port) {
  const socket = connect(port, host);
  socket.write('GET /fast HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await once(socket, 'data', { signal: AbortSignal.timeout(30_000) });
  const at = Date.now();
  socket.destroy();
  return at;
}

async function lineAfter(fleet, from, matching) {
  for (let i = 0; i < 1000; i++) {
    const line = fleet.lines.slice(from).find(({ msg }) => matching.test(msg));
    if (line !== undefined) return line;
    await sleep(5);
  }
  throw new Error(`the log never said ${matching}`);
}
