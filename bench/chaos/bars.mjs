// The bars: what must be true of what a run has shown. Each says what it saw, held or not.
import { missing } from './needs.mjs';

const ms = (value) => (value === undefined ? 'never' : `${Math.round(value)} ms`);
const bar = (held, says) => ({ held, says });
const middleOf = (values) =>
  values.filter((value) => value !== undefined).toSorted((a, b) => a - b)[values.length >> 1];
const listed = (counts) => Object.entries(counts).map(([name, count]) => `${count} ${name}`);

export const bars = {
  lost({ referee, facts: { open } }) {
    const { lost, counted } = referee;
    const pending = open > 0 ? `, ${open} never told of` : '';
    return bar(lost + open === 0 && counted > 0, `${lost} lost of ${counted.toLocaleString('en')}${pending}`);
  },

  requests: ({ referee, wanted }) =>
    bar(
      referee.counted >= wanted,
      `${referee.counted.toLocaleString('en')} requests of at least ${wanted.toLocaleString('en')}`,
    ),

  steps({ facts }) {
    const failed = facts.steps.filter(({ why }) => why !== undefined);
    const longest = Math.max(0, ...facts.steps.map(({ tookMs = 0 }) => tookMs));
    const says = `${facts.steps.length - failed.length} of ${facts.steps.length} steps done, the longest in ${ms(longest)}`;
    return bar(
      facts.steps.length > 0 && failed.length === 0,
      [says, ...failed.map(({ name, why }) => `${name}: ${why}`)].join('; '),
    );
  },

  /** Kept connections are worth more than the workers that hold them. */
  reopened({ referee, there }) {
    const groups = [...referee.clients].filter(([group]) => group.startsWith('kept'));
    const clients = groups.reduce((sum, [, counts]) => sum + counts.size, 0);
    const opened = groups.flatMap(([, counts]) => [...counts.values()]).reduce((sum, count) => sum + count, 0);
    const says = `${opened} connections opened by ${clients} keep-alive clients`;
    const absent = missing(['key:handOver'], there);
    if (absent.length > 0 && opened > clients) return { absent, says };
    return bar(clients > 0 && opened <= clients, says);
  },

  replaced({ referee, fleet }) {
    const answered = referee.processes.size;
    return bar(answered > fleet.workers, `${answered} workers have answered in a fleet of ${fleet.workers}`);
  },

  /** No allowance: what is asked is at most the boot alone, and so much more. */
  successor({ facts, scenario }) {
    const allowed = (facts.boot?.ms ?? 0) + scenario.allowanceMs;
    const times = facts.deaths
      .map(({ successorMs }) => successorMs ?? Number.POSITIVE_INFINITY)
      .toSorted((a, b) => a - b);
    const over = times.filter((time) => time > allowed).length;
    const boot = facts.boot
      ? `boot alone ${ms(facts.boot.ms)} (and ${ms(facts.boot.deathToAnswerMs)} from death to answer), `
      : '';
    const middle = times[times.length >> 1];
    const parts = ['noticeMs', 'bootMs', 'serveMs'].map((part) => middleOf(facts.deaths.map((death) => death[part])));
    const split = `by the log ${ms(parts[0])} until it starts or is called, ${ms(parts[1])} until it is ready, ${ms(parts[2])} until it has answered (medians)`;
    const says = `${boot}successor's first answer after ${ms(times[0])}, ${ms(middle)}, ${ms(times.at(-1))} (least, median, most); ${over} of ${times.length} over ${ms(allowed)}; ${split}`;
    return bar(times.length > 0 && over === 0, says);
  },

  stopped({ facts, referee, scenario }) {
    const { code, tookMs } = facts.stopped;
    const allowed = referee.longestMs + scenario.lingerMs;
    const says = `exit ${code} after ${ms(tookMs)}; longest request ${ms(referee.longestMs)} and linger ${ms(scenario.lingerMs)}`;
    return bar(code === 0 && tookMs <= allowed, says);
  },

  balance({ facts }) {
    const worst = Math.max(...facts.balance.map(({ held, share }) => Math.max(...held) / share));
    const says = facts.balance.map(({ held }) => held.join('/')).join(', ');
    return bar(worst <= 1.5, `after a second ${says}: at most ${worst.toFixed(2)} of a share`);
  },

  held({ facts }) {
    const { count, survived, fates } = facts.held;
    const says = [`${survived} of ${count} idle connections survived`, ...listed(fates)].join(', ');
    return bar(!(fates.reset > 0) && !(fates.refused > 0), says);
  },

  /** Played with Fastify alone: its close hooks ran, in a drain. */
  hooks({ fleet, there }) {
    const count = fleet.lines.filter(({ msg }) => msg === 'chaos: closed').length;
    const says = `${count} workers ran their close hooks`;
    const absent = missing(['worker:onDrained'], there);
    return absent.length > 0 ? { absent, says } : bar(count > 0, says);
  },

  /** The supervisor that was started has ended in order, and nothing of the fleet is left. */
  exit: ({ facts }) => bar(facts.exit === 0 && facts.left === 0, `exit ${facts.exit}, ${facts.left} processes left`),
};
