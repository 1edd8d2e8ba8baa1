// The referee: told of each request when it is sent and when it is over, and of whatever is done to the fleet meanwhile. What is
// not answered as its client was promised is lost, unless the rules of the scenario excuse it; those are counted apart.
import { readStamp } from '../clock.mjs';

/** How many losses are told one by one. */
const TOLD = 100;

/** Who has given this answer, of which release, and when by their own clock. */
export const seenIn = (response) => ({
  pid: response?.headers.get('x-pid'),
  release: response?.headers.get('x-release'),
  at: response?.headers.get('x-at'),
});

const none = () => ({ sent: 0, answered: 0, lost: 0, excused: 0 });

export class Referee {
  #action = { name: 'the load alone', since: performance.now() };
  #begun = performance.now();
  #waiting = new Set();
  #open = new Set();

  /** By kind of request. */
  kinds = {};
  losses = [];
  /** How often for which reason, and amid which action. */
  reasons = {};
  excuses = {};
  /** What each process has answered: when first and last, how often, of which release. */
  processes = new Map();
  /** How many connections each client has opened, by what kind of client it is. */
  clients = new Map();
  /** How idle kept connections ended, and streams, and WebSockets. */
  ends = {};
  /** The longest that a request that was answered took. */
  longestMs = 0;

  /** Whether the fleet has been told to stop: who is turned away stays away. */
  stopping = false;

  /** Why a loss is none by the rules of the scenario, or nothing. */
  excuse = () => undefined;

  get answered() {
    return this.#sum('answered');
  }

  get sent() {
    return this.#sum('sent');
  }

  get lost() {
    return this.#sum('lost');
  }

  /** Of how many: those that the rules excuse are none of them. */
  get counted() {
    return this.sent - this.#sum('excused');
  }

  get open() {
    return this.#open.size;
  }

  #sum(field) {
    return Object.values(this.kinds).reduce((sum, kind) => sum + kind[field], 0);
  }

  /** From now on, whatever is lost is lost amid this. */
  amid(name) {
    this.#action = { name, since: performance.now() };
  }

  opened(group, client) {
    const counts = this.clients.get(group) ?? new Map();
    counts.set(client, (counts.get(client) ?? 0) + 1);
    this.clients.set(group, counts);
  }

  ended(how) {
    this.ends[how] = (this.ends[how] ?? 0) + 1;
  }

  begin(kind, { client, id, path, connection }) {
    this.kinds[kind] ??= none();
    this.kinds[kind].sent += 1;
    const ticket = { kind, client, id, path, connection, sentAt: performance.now() };
    this.#open.add(ticket);
    return ticket;
  }

  /** It is over. `loss` says why it was lost, where it was. `endless`: it was never meant to end. */
  settle(ticket, loss, { pid, release, at, endless = false } = {}) {
    if (!this.#open.delete(ticket)) return;
    const now = performance.now();
    const tookMs = now - ticket.sentAt;
    if (pid !== undefined) this.#saw(pid, release, this.#answeredAt(ticket, at, now));
    const kind = this.kinds[ticket.kind];
    if (loss === undefined) {
      kind.answered += 1;
      if (!endless) this.longestMs = Math.max(this.longestMs, tookMs);
      for (const look of this.#waiting) look();
      return;
    }
    const excuse = this.excuse(ticket, loss);
    if (excuse !== undefined) {
      kind.excused += 1;
      this.excuses[excuse] = (this.excuses[excuse] ?? 0) + 1;
      return;
    }
    kind.lost += 1;
    const reason = `${ticket.kind}: ${loss.replace(/got .*/, 'got another')}, amid ${this.#action.name.replace(/ \d+$/, '')}`;
    this.reasons[reason] = (this.reasons[reason] ?? 0) + 1;
    if (this.losses.length < TOLD) this.losses.push(this.#told(ticket, loss, now));
  }

  #told({ kind, client, id, path, connection, sentAt }, loss, now) {
    return {
      kind,
      loss,
      amid: `${this.#action.name} (+${Math.round(now - this.#action.since)} ms)`,
      client,
      id,
      path,
      sentAtMs: Math.round(sentAt - this.#begun),
      lostAfterMs: Math.round(now - sentAt),
      useOfConnection: connection?.uses,
      localPort: connection?.localPort,
      lastPidThere: connection?.pid,
    };
  }

  /** When it was written. A stamp from before the question, or from the time to come, is not believed. */
  #answeredAt({ sentAt }, stamp, now) {
    const at = readStamp(stamp);
    return at >= sentAt && at <= now ? at : now;
  }

  #saw(pid, release, at) {
    const { firstAt = at, lastAt = at, answers = 0 } = this.processes.get(Number(pid)) ?? {};
    const span = { firstAt: Math.min(firstAt, at), lastAt: Math.max(lastAt, at) };
    this.processes.set(Number(pid), { ...span, answers: answers + 1, release });
  }

  /** Resolves when `holds` does, which is asked after each answer and now and then; to whether it did in time. */
  until(holds, withinMs) {
    return new Promise((resolve) => {
      const finish = (held) => {
        this.#waiting.delete(look);
        clearTimeout(deadline);
        clearInterval(now);
        resolve(held);
      };
      const look = () => {
        if (holds()) finish(true);
      };
      const deadline = setTimeout(finish, withinMs, false);
      const now = setInterval(look, 50);
      this.#waiting.add(look);
      look();
    });
  }

  /** Resolves when so many more have been answered. */
  more(count, withinMs) {
    const from = this.answered;
    return this.until(() => this.answered >= from + count, withinMs);
  }
}
