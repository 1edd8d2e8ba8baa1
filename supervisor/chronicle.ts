// What the operator reads: everything that workers say and errors that they report, as log lines. It tells each thing once.
import type { OperatorError } from '../config/exit-code.js';
import type { BindQuery, CountedReport, CutRequest } from '../worker/protocol.js';
import { cannotBind } from './bind.js';
import { syntaxError } from './diagnosis.js';
import type { Diagnosis } from './hang/ward.js';
import type { Incidents } from './incidents/incidents.js';
import type { Journal } from './journal.js';
import { gist, LastWords, Obituaries, shortened } from './last-words.js';
import { leftBehind } from './left-behind.js';
import type { Log } from './log.js';
import { narrate, narrateCut, narrateError, narrateHandOver, type Sentence } from './narrate.js';
import { narrateStuck, stuckReport } from './narrate-health.js';
import { narrateStorm } from './narrate-storm.js';
import type { Hearing, Seat } from './node-host.js';
import { Pace } from './pace.js';
import type { Fleet, Policy } from './state.js';
import { CALM, erred, passed, type StormNews, type Weather } from './storm.js';
import type { Observer } from './supervisor.js';

/** The last words of so many dead are remembered. */
const MAX_DEAD = 50;
/** A worker that is killed for its silence may take a moment to be gone. */
const LAST_WORDS_MS = 3000;
/** What a booting worker says on stderr is held back no longer than this. */
const HOLD_MS = 5000;

interface Known {
  readonly seat: Seat;
  readonly words: LastWords;
  readonly hold: NodeJS.Timeout;
  /** Connections of its that went on in other workers. */
  handedOver: number;
  state: 'booting' | 'ready' | 'dead at boot' | 'gone';
  bindError: OperatorError | undefined;
}

export class Chronicle implements Hearing {
  readonly #log: Log;
  /** For what workers print, which is kept whole: the level is for cordon's own lines. */
  readonly #output: Log;
  readonly #incidents: Pick<Incidents, 'met' | 'spawned'>;
  readonly #journal: Journal;
  /** Called where the first start is hopeless. */
  readonly #hopeless: (error: OperatorError) => void;
  readonly #workers = new Map<number, Known>();
  readonly #obituaries = new Obituaries();
  readonly #policy: () => Policy;
  /** What a storm has in it is told when it is over. */
  readonly #pace = new Pace((held) => {
    if (this.#weather.storm !== undefined) return;
    this.#say({
      level: 'warn',
      text: `${held} more errors came too fast to be told one by one; the book of errors counts them`,
    });
  });
  #weather: Weather = CALM;
  #fleet: Fleet | undefined;
  readonly #dead = new Map<number, readonly string[]>();
  readonly #mourners = new Map<number, (words: readonly string[]) => void>();
  #everReady = false;

  constructor(
    log: Log,
    incidents: Pick<Incidents, 'met' | 'spawned'>,
    journal: Journal,
    policy: () => Policy,
    hopeless: (error: OperatorError) => void,
  ) {
    this.#log = log;
    this.#policy = policy;
    this.#output = log.child({}, { level: 'info' });
    this.#incidents = incidents;
    this.#journal = journal;
    this.#hopeless = hopeless;
  }

  readonly observe: Observer = (event, before, after, effects, now) => {
    this.#fleet = after;
    for (const sentence of narrate(event, before, after, effects, now)) this.#say(sentence);
    const replaced = effects.filter((effect) => effect.type === 'spawn' && before.slots[effect.slot]?.used).length;
    this.#forecast(passed(this.#weather, replaced, after, now));
    for (const { id, phase } of after.workers) {
      if (phase !== 'ready' && phase !== 'standby' && phase !== 'tainted') continue;
      const known = this.#workers.get(id);
      if (known?.state !== 'booting') continue;
      known.state = 'ready';
      this.#everReady = true;
      this.#release(known);
    }
    const known = event.type === 'exited' ? this.#workers.get(event.id) : undefined;
    if (known) known.state = known.state === 'booting' && before.goal === 'serve' ? 'dead at boot' : 'gone';
  };

  spawned(seat: Seat): void {
    this.#incidents.spawned(seat);
    const words = new LastWords((line) => this.#print(seat, 'stderr', line));
    const hold = setTimeout(() => words.release(), HOLD_MS).unref();
    this.#workers.set(seat.id, { seat, words, hold, handedOver: 0, state: 'booting', bindError: undefined });
  }

  said(seat: Seat, stream: 'stdout' | 'stderr', line: string): void {
    if (stream === 'stdout') this.#print(seat, stream, line);
    else {
      this.#workers.get(seat.id)?.words.say(line);
      this.#keep(seat, line);
    }
  }

  silent(seat: Seat): void {
    const known = this.#workers.get(seat.id);
    if (!known) return;
    this.#workers.delete(seat.id);
    if (known.handedOver > 0) this.#say(narrateHandOver(seat, known.handedOver));
    this.#journal.gone(seat.id);
    this.#remember(seat.id, known.words.recent);
    if (known.state === 'dead at boot') this.#bury(known);
    else this.#release(known);
    clearTimeout(known.hold);
  }

  errors(seat: Seat, errors: readonly CountedReport[], dropped: number): void {
    for (const counted of errors) {
      this.#journal.met(seat.id, counted.count);
      const entry = this.#incidents.met(seat, counted);
      if (entry.milestone && this.#pace.allows(counted.count))
        this.#say({ ...narrateError({ ...entry, report: counted.report }), about: seat });
    }
    this.#journal.met(seat.id, dropped);
    if (dropped > 0 && this.#pace.allows(dropped))
      this.#say({
        level: 'warn',
        text: `worker ${seat.id} met ${dropped} more errors of too many kinds to tell`,
        about: seat,
      });
    const uncaught = errors.reduce(
      (sum, { report, count }) => sum + (report.origin === 'reported' ? 0 : count),
      dropped,
    );
    if (uncaught > 0 && this.#fleet)
      this.#forecast(erred(this.#weather, uncaught, this.#fleet, performance.now(), this.#policy()));
  }

  #forecast({ weather, news }: { readonly weather: Weather; readonly news: StormNews | undefined }): void {
    this.#weather = weather;
    if (news) this.#say(narrateStorm(news));
  }

  cut(seat: Seat, requests: readonly CutRequest[]): void {
    this.#journal.cut(seat.id, requests);
    const sentence = narrateCut(seat, requests);
    if (sentence) this.#say(sentence);
  }

  stuck(seat: Seat, diagnosis: Diagnosis): void {
    if (diagnosis.type === 'stack') this.#incidents.met(seat, { report: stuckReport(diagnosis), count: 1 });
    this.#say({ ...narrateStuck(seat.id, diagnosis), about: seat });
  }

  /** A connection of this worker's goes on in another one. */
  handedOver(from: number): void {
    const known = this.#workers.get(from);
    if (known) known.handedOver++;
  }

  /** Not for the log. */
  beat(): void {}
  measured(): void {}

  bindFailed(seat: Seat, query: BindQuery, error: number): void {
    const known = this.#workers.get(seat.id);
    if (known)
      known.bindError = cannotBind(
        query.addressType === -1 ? `${query.address}` : `${query.address ?? '*'}:${query.port}`,
        error,
      );
  }

  /** What a worker said last on stderr, once all of it has been read. */
  lastWords(id: number): Promise<readonly string[]> {
    const known = this.#dead.get(id);
    if (known) return Promise.resolve(known);
    return new Promise((resolve) => {
      this.#mourners.set(id, resolve);
      const late = (): void => this.#remember(id, this.#workers.get(id)?.words.recent ?? []);
      setTimeout(late, LAST_WORDS_MS).unref();
    });
  }

  /** Node names a file that it has written for whoever looks for the reason. */
  #keep(seat: Seat, line: string): void {
    const report = leftBehind(line);
    if (report === undefined) return;
    this.#incidents.met(seat, { report, count: 1 });
    this.#say({ level: 'error', text: `worker ${seat.id}: ${report.message}`, about: seat });
  }

  #remember(id: number, words: readonly string[]): void {
    this.#mourners.get(id)?.(words);
    this.#mourners.delete(id);
    this.#dead.set(id, shortened(words));
    for (const oldest of this.#dead.keys()) {
      if (this.#dead.size <= MAX_DEAD) break;
      this.#dead.delete(oldest);
    }
  }

  #bury({ seat, words, bindError }: Known): void {
    const { lines } = words;
    const hopeless = this.#everReady ? undefined : (bindError ?? syntaxError(lines));
    if (hopeless) return this.#hopeless(hopeless);
    const alike = this.#obituaries.record(seat.id, lines);
    if (alike === undefined) return words.release();
    const text = `worker ${seat.id} said the same as worker ${alike.first} (${alike.count} times now): ${gist(lines) ?? 'nothing'}`;
    this.#say({ level: 'error', text, about: seat });
  }

  #release({ words, hold }: Known): void {
    clearTimeout(hold);
    words.release();
  }

  #print(seat: Seat, stream: 'stdout' | 'stderr', line: string): void {
    this.#output[stream === 'stdout' ? 'info' : 'warn']({ ...fieldsOf(seat), stream }, line);
  }

  /** What others did, in the log and among the events. */
  note(level: Sentence['level'], event: string, text: string): void {
    this.#say({ level, event, text });
  }

  #say(sentence: Sentence): void {
    const { level, text, about, cause, event, fields } = sentence;
    this.#journal.record(sentence);
    const seat = about && { ...about, pid: this.#workers.get(about.id)?.seat.pid };
    this.#log[level](
      { ...(seat && fieldsOf(seat)), ...(event && { event }), ...(cause && { cause }), ...fields },
      text,
    );
  }
}

const fieldsOf = ({ id, slot, pid, generation }: Seat): object => ({ worker: id, slot, pid, generation });
