// What is done to a fleet while its clients go on. A step ends when it can be seen from outside that it is done (who runs, who
// answers, and which release), never after a guessed time; a step that does not get there in time is a bar missed.
import { setTimeout as sleep } from 'node:timers/promises';
import { crowd, hold, release } from './connections.mjs';
import { kill, measureBoot } from './deaths.mjs';

const WITHIN_MS = 60_000;
/** Requests that are answered between one change and the next. */
const BETWEEN = 200;

/** Waits for what /proc and the answers say; to whether it came in time. */
async function eventually(holds, withinMs) {
  const until = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > until) return false;
    await sleep(25);
  }
  return true;
}

const pidsOf = (fleet) => fleet.processes().map(({ pid }) => pid);

/** At least so many slots have a worker that answers, of the current release. */
function serving({ fleet, referee }, processes = fleet.processes()) {
  const slots = processes
    .filter(({ pid }) => referee.processes.get(pid)?.release === fleet.release)
    .map(({ slot }) => slot);
  return new Set(slots).size;
}

/** None of the workers of before is left, and every slot answers. */
function replaced(context, before) {
  const now = context.fleet.processes();
  return now.every(({ pid }) => !before.includes(pid)) && serving(context, now) >= context.fleet.workers;
}

/** Does it and waits for its end; notes how long it took, or why it failed. */
async function change(context, name, act, holds, withinMs = WITHIN_MS) {
  const { referee, facts } = context;
  referee.amid(name);
  const begun = performance.now();
  const problem = await act();
  const held = problem === undefined && (await eventually(holds, withinMs));
  const why = problem ?? (held ? undefined : `not done in ${withinMs / 1000} s`);
  facts.steps.push({ name, tookMs: performance.now() - begun, why });
  referee.amid(`after ${name}`);
  if (!(await referee.more(BETWEEN, WITHIN_MS)))
    facts.steps.push({ name: `after ${name}`, why: 'nothing is answered' });
  return why === undefined;
}

async function times(count, one) {
  for (let i = 1; i <= count; i++) if (!(await one(i))) return;
}

/** A command that must succeed. */
async function done(fleet, words) {
  const { code, said } = await fleet.command(words);
  return code === 0 ? undefined : `cordon ${words.join(' ')} ended with ${code}: ${said.trim().slice(-300)}`;
}

/** A command that must fail, and say why, while everything stays as it was. */
async function refuses(fleet, words, says) {
  const { code, said } = await fleet.command(words);
  if (code !== 1) return `cordon ${words.join(' ')} ended with ${code} and not with 1: ${said.trim().slice(-300)}`;
  return new RegExp(says, 'i').test(said) ? undefined : `it does not say why: ${said.trim().slice(-300)}`;
}

export const steps = {
  'measure-boot': measureBoot,
  kill,
  crowd,
  hold,
  release,

  /** By signal and, where there is one, by command, in turn. */
  reload: (context, step) =>
    times(step.times, (i) => {
      const { fleet, there } = context;
      const before = pidsOf(fleet);
      const byCommand = there.has('command:reload') && i % 2 === 0;
      const act = () => {
        fleet.deploy();
        return byCommand ? done(fleet, ['reload', fleet.name]) : void fleet.signal('SIGHUP');
      };
      return change(context, `reload ${i}`, act, () => replaced(context, before));
    }),

  scale: async (context, { by }) => {
    const { fleet } = context;
    for (const [i, one] of by.entries()) {
      fleet.workers += one;
      const act = () => void fleet.signal(one > 0 ? 'SIGTTIN' : 'SIGTTOU');
      const slots = () => new Set(fleet.processes().map(({ slot }) => slot)).size;
      const there = () => slots() === fleet.workers && serving(context) === fleet.workers;
      if (!(await change(context, `scale ${i + 1}`, act, there))) return;
    }
  },

  restart: (context, step) =>
    times(step.times, (i) => {
      const before = pidsOf(context.fleet);
      const act = () => done(context.fleet, ['restart', context.fleet.name]);
      return change(context, `restart ${i}`, act, () => replaced(context, before));
    }),

  upgrade: (context, step) =>
    times(step.times, (i) => {
      const { fleet } = context;
      const before = pidsOf(fleet);
      const old = fleet.supervisors().map(({ pid }) => pid);
      const act = () => void fleet.signal('SIGUSR2');
      const moved = () => {
        const now = fleet.supervisors();
        return now.length === 1 && !old.includes(now[0].pid) && replaced(context, before);
      };
      return change(context, `upgrade ${i}`, act, moved);
    }),

  refused: (context, step) =>
    times(step.times, (i) => {
      const { fleet, referee } = context;
      const before = pidsOf(fleet);
      const good = fleet.release;
      const act = async () => {
        fleet.deploy(step.release);
        const problem = await refuses(fleet, ['reload', fleet.name], step.says);
        fleet.release = good;
        return problem;
      };
      const unchanged = () => pidsOf(fleet).toSorted().join() === before.toSorted().join() && answeredBy(good, referee);
      return change(context, `bad release ${i}`, act, unchanged);
    }),

  /** What the sick release fails is its own; that it goes away in time is the bar. */
  'rolled-back': (context, step) => {
    const { fleet, referee } = context;
    const good = fleet.release;
    referee.excuse = (_ticket, loss) => (loss.startsWith('status 500') ? 'failed by the sick release' : undefined);
    const act = async () => {
      fleet.deploy(step.release);
      const begun = performance.now();
      const problem = await refuses(fleet, ['reload', fleet.name], step.says);
      const tookMs = performance.now() - begun;
      fleet.release = good;
      return problem ?? (tookMs > step.withinMs ? `rolled back after ${Math.round(tookMs)} ms` : undefined);
    };
    return change(context, 'sick release', act, () => serving(context) === fleet.workers);
  },

  /** A connection that is opened after the signal may come too late; whatever was opened before must be answered. */
  stop: async ({ fleet, referee, facts, asked }) => {
    await asked();
    const at = performance.now();
    referee.amid('SIGTERM');
    referee.stopping = true;
    referee.excuse = ({ connection }, loss) =>
      connection.begunAt >= at && /^connect |before the answer$|before it was open$/.test(loss)
        ? 'opened after the SIGTERM'
        : undefined;
    fleet.signal('SIGTERM');
    const { code, at: exitedAt } = await Promise.race([fleet.exited, sleep(WITHIN_MS, {}, { ref: false })]);
    facts.stopped = { code, tookMs: (exitedAt ?? performance.now()) - at };
  },
};

/** Whoever answered last was of this release. */
function answeredBy(wanted, referee) {
  const last = [...referee.processes.values()].toSorted((a, b) => b.lastAt - a.lastAt)[0];
  return last?.release === wanted;
}
